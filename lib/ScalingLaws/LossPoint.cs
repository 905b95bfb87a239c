namespace PatchKit.ScalingLaws;

/// <summary>A loss measured at a patch size; several seeds at one patch size are several points.</summary>
/// <param name="PatchSize">p, in pixels.</param>
/// <param name="Loss">the test loss.</param>
/// <param name="Error">its standard error, to a factor that all points share: only ratios count, and equal errors may
/// be left at 1.</param>
public sealed record LossPoint(double PatchSize, double Loss, double Error = 1);
