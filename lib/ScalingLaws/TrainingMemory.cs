namespace PatchKit.ScalingLaws;

/// <summary>
/// Bytes that training holds on one GPU under bfloat16 autocast: weights, gradients and optimizer in float32, and what
/// grows with the images.
/// </summary>
public sealed record TrainingMemory
{
    private const long Float = 4,
        Half = 2;

    /// <summary>Learned numbers, all of the model's.</summary>
    public required long Parameters { get; init; }

    /// <summary>What one image's forward pass keeps for its backward pass.</summary>
    public required long ImageBytes { get; init; }

    /// <summary>Whether a moving average of the weights is kept.</summary>
    public bool Average { get; init; }

    /// <summary>Whether several processes add their gradients, which are copied into buffers for it.</summary>
    public bool Reduced { get; init; }

    /// <summary>The weights, and their bfloat16 copies that a step's products read.</summary>
    public long WeightBytes => (Float + Half) * Parameters;

    /// <summary>The gradients, and the buffers they are added up in.</summary>
    public long GradientBytes => (Reduced ? 2 : 1) * Float * Parameters;

    /// <summary>AdamW's two moments.</summary>
    public long OptimizerBytes => 2 * Float * Parameters;

    /// <summary>The moving average.</summary>
    public long AverageBytes => Average ? Float * Parameters : 0;

    /// <summary>What does not depend on the images.</summary>
    public long FixedBytes => WeightBytes + GradientBytes + OptimizerBytes + AverageBytes;

    /// <summary>All of it with so many images at a time.</summary>
    public long Bytes(long images) => FixedBytes + images * ImageBytes;
}
