using PatchKit.Torch.Distributed;
using static TorchSharp.torch;

namespace PatchKit.Training.Loop;

/// <summary>
/// How a recipe is carried out: nothing here changes what is learnt, but for rounding and, with drop path, the masks of
/// accumulated parts.
/// </summary>
public sealed record TrainerOptions
{
    /// <summary>Seeds dropout and mixing; weights and images have been seeded by whoever made them.</summary>
    public long Seed { get; init; }

    /// <summary>Where the model trains.</summary>
    public Device Device { get; init; } = CPU;

    /// <summary>The precision that matrix products may fall to; null for bfloat16 on a GPU and none on a CPU.</summary>
    public ScalarType? Autocast { get; init; }

    /// <summary>
    /// Parts that a batch is trained in, one after the other, where it does not fit into memory as a whole.
    /// </summary>
    public int Accumulation { get; init; } = 1;

    /// <summary>
    /// The processes that train together, each on its share of every batch; null for this one alone. The data gives
    /// shares then, and rank 0 alone is given a folder.
    /// </summary>
    public ProcessGroup? Group { get; init; }

    /// <summary>
    /// Whether a step that does not fit into memory is done again in more parts, half as many images at a time, until
    /// it fits. The number is kept for the rest of the run, also when it is resumed with this set. Weights, optimizer
    /// and average are untouched by the step that did not fit.
    /// </summary>
    public bool AutoBatch { get; init; }

    /// <summary>
    /// Whether the next batch is fetched, and sent to the device, while a step is computed; null for so on a GPU, and
    /// not on a CPU, where both would take the same processors. The batches are the same.
    /// </summary>
    public bool? FetchAhead { get; init; }

    /// <summary>
    /// What one image's forward pass keeps for its backward pass, in bytes, by the cost model; 0 where it is not known.
    /// It says what would fit where memory runs out.
    /// </summary>
    public long ImageBytes { get; init; }

    /// <summary>
    /// Floating-point operations of training on one image, by the cost model; 0 where they are not known.
    /// </summary>
    public double FlopsPerImage { get; init; }

    /// <summary>
    /// What the share of the device's arithmetic that training uses is measured by; null where that is not asked for.
    /// </summary>
    public PeakFlops? Peak { get; init; }

    /// <summary>Where state and metrics are kept; nowhere if null, and then nothing can be resumed.</summary>
    public string? Folder { get; init; }

    /// <summary>The time after which the trainer's state is saved; it is when training is cancelled, too.</summary>
    public TimeSpan SaveEvery { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Steps after which it is saved, besides; 0 for none.</summary>
    public int SaveSteps { get; init; }

    /// <summary>Told where the run stands, at most ten times a second.</summary>
    public Action<TrainingProgress>? Progress { get; init; }

    /// <summary>Told, in a line, what was changed on the way, such as the number of parts.</summary>
    public Action<string>? Say { get; init; }
}
