namespace PatchKit.ScalingLaws;

/// <summary>A row of Table 5: ImageNet-1k top-1 in percent at a sequence length.</summary>
/// <param name="Model">such as "DeiT-Base".</param>
/// <param name="Input">the image's side in pixels.</param>
/// <param name="Length">tokens, without the class token.</param>
/// <param name="ByExtending">the tokens of p = 16, interpolated to the length.</param>
/// <param name="ByScaling">true patches of the size that gives the length.</param>
public sealed record PaperSequence(string Model, int Input, int Length, double ByExtending, double ByScaling);
