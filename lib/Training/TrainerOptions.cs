using static TorchSharp.torch;

namespace PatchKit.Training;

/// <summary>How a recipe is carried out: nothing here changes what is learnt, but for rounding and, with drop path, the masks of accumulated parts.</summary>
public sealed record TrainerOptions
{
    /// <summary>Seeds dropout and mixing; weights and images have been seeded by whoever made them.</summary>
    public long Seed { get; init; }

    /// <summary>Where the model trains.</summary>
    public Device Device { get; init; } = CPU;

    /// <summary>The precision that matrix products may fall to; null for bfloat16 on a GPU and none on a CPU.</summary>
    public ScalarType? Autocast { get; init; }

    /// <summary>Parts that a batch is trained in, one after the other, where it does not fit into memory as a whole.</summary>
    public int Accumulation { get; init; } = 1;

    /// <summary>The processes that train together, each on its share of every batch; null for this one alone. The data gives shares then, and rank 0 alone is given a folder.</summary>
    public ProcessGroup? Group { get; init; }

    /// <summary>Where checkpoint and metrics are kept; nowhere if null, and then nothing can be resumed.</summary>
    public string? Folder { get; init; }

    /// <summary>The time between two checkpoints. One is written when training is cancelled, too.</summary>
    public TimeSpan CheckpointEvery { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Steps between two checkpoints, besides; 0 for none.</summary>
    public int CheckpointSteps { get; init; }

    /// <summary>Told where the run stands, at most ten times a second.</summary>
    public Action<TrainingProgress>? Progress { get; init; }
}
