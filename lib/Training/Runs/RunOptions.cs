using PatchKit.Data.Sets;
using PatchKit.Torch.Distributed;
using PatchKit.Training.Loop;
using static TorchSharp.torch;

namespace PatchKit.Training.Runs;

/// <summary>How runs are carried out: nothing here is part of a run's key.</summary>
public sealed record RunOptions
{
    /// <summary>Where models train.</summary>
    public Device Device { get; init; } = CPU;

    /// <summary>Parts that a batch is trained in.</summary>
    public int Accumulation { get; init; } = 1;

    /// <summary>
    /// The element type that models train and are scored in: float32, or float64 for checks (classification alone).
    /// </summary>
    public ScalarType Precision { get; init; } = ScalarType.Float32;

    /// <summary>
    /// The processes that train each run together; null for this one alone. Results do not depend on how many there
    /// are, but for rounding; except detectors, whose losses are means over what each share draws, drop path where a
    /// share comes in parts, and sets of which images are left out.
    /// </summary>
    public ProcessGroup? Group { get; init; }

    /// <summary>
    /// Whether images are taken half as many at a time, until they fit, where memory runs out: in training in more
    /// parts of the same batch, in the test in smaller batches.
    /// </summary>
    public bool AutoBatch { get; init; }

    /// <summary>
    /// What the share of the device's arithmetic that training uses is measured by; null where that is not asked for.
    /// </summary>
    public PeakFlops? Peak { get; init; }

    /// <summary>The time after which the trainer's state is saved.</summary>
    public TimeSpan SaveEvery { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Steps after which it is saved, besides; 0 for none.</summary>
    public int SaveSteps { get; init; }

    /// <summary>
    /// What happens to images that cannot be read; where null, what the run was begun with, and Stop for a new one.
    /// </summary>
    public BadSample? OnBadSample { get; init; }

    /// <summary>Told where the run stands, at most ten times a second.</summary>
    public Action<TrainingProgress>? Progress { get; init; }

    /// <summary>Told, in a line, what was changed on the way.</summary>
    public Action<string>? Say { get; init; }
}
