namespace PatchKit.ScalingLaws;

/// <summary>A cell of Table 1 or 4.</summary>
/// <param name="Model">such as "DeiT-Base".</param>
/// <param name="Input">the image's side in pixels.</param>
/// <param name="PatchSize">p, in pixels.</param>
/// <param name="Top1">ImageNet-1k top-1 accuracy in percent; null where the paper has none.</param>
public sealed record PaperAccuracy(string Model, int Input, int PatchSize, double? Top1);
