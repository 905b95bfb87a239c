namespace PatchKit.ScalingLaws;

/// <summary>A loss measured at a patch size after a training budget.</summary>
/// <param name="PatchSize">p, in pixels.</param>
/// <param name="Flops">the training's floating-point operations.</param>
/// <param name="Loss">the test loss.</param>
public sealed record BudgetedPoint(int PatchSize, double Flops, double Loss);
