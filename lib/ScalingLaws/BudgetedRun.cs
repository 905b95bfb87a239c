namespace PatchKit.ScalingLaws;

/// <summary>A run of a grid of patch sizes, widths and training lengths: what it cost and what it came to.</summary>
/// <param name="PatchSize">p, in pixels.</param>
/// <param name="Width">the token dimension D.</param>
/// <param name="Steps">steps of training.</param>
/// <param name="Flops">the training's floating-point operations.</param>
/// <param name="Seed">the seed.</param>
/// <param name="Loss">the test loss.</param>
public sealed record BudgetedRun(int PatchSize, int Width, long Steps, double Flops, long Seed, double Loss);
