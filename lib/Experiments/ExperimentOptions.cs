using PatchKit.Experiments.Planning;
using PatchKit.Experiments.Verdicts;
using PatchKit.Training;
using PatchKit.Training.Recipes;
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
                    + $"mean {NearestName.Of(scale, Enum.GetValues<Scale>().Select(ScaleNames.Name))}? There "
                    + $"are {ScaleNames.Choices}."
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

    /// <summary>The seeds: those asked for, or the experiment's own number.</summary>
    /// <param name="teach">how many at `teach`; one at `smoke` and `paper`.</param>
    /// <param name="gpu">how many at `gpu`.</param>
    internal IEnumerable<long> SeedList(int teach = VerdictRule.FewestSeeds, int gpu = VerdictRule.FewestSeeds)
    {
        int usual = Scale switch
        {
            Scale.Teach => teach,
            Scale.Gpu => gpu,
            _ => 1,
        };
        return Enumerable.Range(0, Seeds ?? usual).Select(i => FirstSeed + i);
    }

    /// <summary>
    /// A recipe with <see cref="Budget"/> times its steps: longer epochs where it says how long they are, else more of
    /// them.
    /// </summary>
    /// <exception cref="ArgumentException">The budget is not above 0.</exception>
    internal Recipe Budgeted(Recipe recipe)
    {
        if (!(Budget > 0) || double.IsInfinity(Budget))
            throw new ArgumentException(
                $"a budget of {Budget} times the steps trains nothing; use a number above 0, such as 0.5 or 4."
            );
        if (Budget == 1)
            return recipe;
        if (recipe.EpochImages == 0)
            return recipe with { Epochs = Math.Max(recipe.WarmupEpochs + 1, (int)Math.Round(recipe.Epochs * Budget)) };
        int steps = Math.Max(1, (int)Math.Round(recipe.EpochImages * Budget / recipe.BatchSize));
        return recipe with { EpochImages = steps * recipe.BatchSize };
    }
}
