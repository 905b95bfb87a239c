using PatchKit.Experiments.Planning;
using PatchKit.Training;
using static TorchSharp.torch;

namespace PatchKit.Experiments;

/// <summary>What a reader of an experiment may choose.</summary>
public sealed record ExperimentOptions
{
    /// <summary>How large.</summary>
    public Scale Scale { get; init; } = Scale.Teach;

    /// <summary>A folder of real images in place of generated ones; null for the scale's own choice.</summary>
    public string? Data { get; init; }

    /// <summary>
    /// Whether <see cref="Data"/> and <see cref="Pretraining"/> may be names of <see cref="PublishedData"/>, whose size
    /// is all that is asked for. A <see cref="Plan"/> can be made of the runs then; they cannot be trained.
    /// </summary>
    public bool SizesOnly { get; init; }

    /// <summary>Where models train.</summary>
    public Device Device { get; init; } = CPU;

    /// <summary>How many seeds; null for the experiment's own number.</summary>
    public int? Seeds { get; init; }

    /// <summary>
    /// The first seed. Seeds below 10 were used while the generated images and the small nets were chosen, so that
    /// their test images have been looked at.
    /// </summary>
    public long FirstSeed { get; init; } = 10;

    /// <summary>A multiple of the scale's training steps.</summary>
    public double Budget { get; init; } = 1;

    /// <summary>
    /// Whether the next smaller patch is trained too, where the scale leaves it out: p = 1 at 16 pixels, p = 2 at 32.
    /// Real scenes are segmented at five patch sizes in place of three.
    /// </summary>
    public bool Pixels { get; init; }

    /// <summary>
    /// How many times the steps Table 1's smallest patches at 16 pixels are trained with at most, on real images and
    /// with <see cref="Pixels"/>: with 4, twice and four times. 1, 2, 4 or 8.
    /// </summary>
    public int Longer { get; init; } = 1;

    /// <summary>
    /// A folder of images by class that the backbones of dense tasks are trained on first; null for generated images,
    /// which is what `smoke` and `teach` take. At `paper` it is ImageNet-1k.
    /// </summary>
    public string? Pretraining { get; init; }

    /// <summary>A folder with released weights, for table1.</summary>
    public string? Checkpoints { get; init; }

    /// <summary>The options from the words of a notebook's parameter cell.</summary>
    /// <param name="scale">"smoke", "teach", "gpu" or "paper".</param>
    /// <param name="device">"cpu", "cuda" or "cuda:1".</param>
    /// <param name="data">a folder of real images; empty for the scale's own choice.</param>
    /// <param name="seeds">how many seeds; 0 for the experiment's own number.</param>
    /// <exception cref="ArgumentException">There is no such scale or device, or the number of seeds is below
    /// 0.</exception>
    public static ExperimentOptions Of(string scale, string device = "cpu", string data = "", int seeds = 0)
    {
        if (!NamedValue.TryParse(typeof(Scale), scale, out object size))
            throw new ArgumentException(
                $"there is no scale \"{scale}\"; did you "
                    + $"mean {NearestName.Of(scale, Enum.GetNames<Scale>()).ToLowerInvariant()}? There "
                    + $"are {string.Join(", ", Enum.GetNames<Scale>()).ToLowerInvariant()}."
            );
        if (seeds < 0)
            throw new ArgumentException(
                $"{seeds} seeds measure nothing; use 1 or more, or 0 for the experiment's own number."
            );
        return new()
        {
            Scale = (Scale)size,
            Device = Devices.Open(device),
            Data = data.Length == 0 ? null : data,
            Seeds = seeds == 0 ? null : seeds,
        };
    }
}
