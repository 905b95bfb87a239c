namespace PatchKit.ScalingLaws;

/// <summary>
/// A row of Table 6: training at 224 x 224 on one A100-80GB, batch 1024, float16, FlashAttention in the ViT.
/// </summary>
/// <param name="PatchSize">p, in pixels.</param>
/// <param name="Length">tokens, without the class token.</param>
/// <param name="MemoryMegabytes">per image, of the ViT, without model and optimizer.</param>
/// <param name="DeitBaseGpuHours">per epoch of ImageNet.</param>
/// <param name="AdventurerBaseGpuHours">per epoch of ImageNet.</param>
public sealed record PaperCost(
    int PatchSize,
    int Length,
    int MemoryMegabytes,
    double DeitBaseGpuHours,
    double AdventurerBaseGpuHours
);
