using static TorchSharp.torch;

namespace PatchKit.Experiments;

/// <summary>What a reader of an experiment may choose.</summary>
public sealed record ExperimentOptions
{
    /// <summary>How large.</summary>
    public Scale Scale { get; init; } = Scale.Teach;

    /// <summary>A folder of real images in place of generated ones; null for the scale's own choice.</summary>
    public string? Data { get; init; }

    /// <summary>Where models train.</summary>
    public Device Device { get; init; } = CPU;

    /// <summary>How many seeds; null for the experiment's own number.</summary>
    public int? Seeds { get; init; }

    /// <summary>
    /// The first seed. Seeds below 10 were used while the generated images and the small nets were chosen, so that their test images have been looked at.
    /// </summary>
    public long FirstSeed { get; init; } = 10;

    /// <summary>A multiple of the scale's training steps.</summary>
    public double Budget { get; init; } = 1;

    /// <summary>Whether p = 1 is trained too, where the scale leaves it out.</summary>
    public bool Pixels { get; init; }

    /// <summary>A folder with released weights, for table1.</summary>
    public string? Checkpoints { get; init; }
}
