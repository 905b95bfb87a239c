using PatchKit.Data;
using static TorchSharp.torch;

namespace PatchKit.Training;

/// <summary>How runs are carried out: nothing here is part of a run's key.</summary>
public sealed record RunOptions
{
    /// <summary>Where models train.</summary>
    public Device Device { get; init; } = CPU;

    /// <summary>Parts that a batch is trained in.</summary>
    public int Accumulation { get; init; } = 1;

    /// <summary>The time between two checkpoints.</summary>
    public TimeSpan CheckpointEvery { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Steps between two checkpoints, besides; 0 for none.</summary>
    public int CheckpointSteps { get; init; }

    /// <summary>What happens to images that cannot be read.</summary>
    public BadSample OnBadSample { get; init; } = BadSample.Stop;

    /// <summary>Told where the run stands, at most ten times a second.</summary>
    public Action<TrainingProgress>? Progress { get; init; }
}
