namespace PatchKit.ScalingLaws;

/// <summary>What a fit says about a patch size that it has not seen.</summary>
/// <param name="PatchSize">p, in pixels.</param>
/// <param name="Loss">the fitted law's value.</param>
/// <param name="Interval">where one new measurement falls with 95% confidence, its own noise included.</param>
public sealed record Prediction(double PatchSize, double Loss, Interval Interval);
