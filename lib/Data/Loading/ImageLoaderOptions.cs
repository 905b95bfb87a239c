namespace PatchKit.Data.Loading;

/// <summary>How images become batches.</summary>
public sealed record ImageLoaderOptions
{
    /// <summary>Images in a batch.</summary>
    public int BatchSize { get; init; } = 128;

    /// <summary>
    /// This process's share of every batch, where several train together; batches must then be full
    /// (<see cref="DropLast"/>).
    /// </summary>
    public BatchShare Share { get; init; } = BatchShare.Whole;

    /// <summary>Threads that decode and augment. Batches are the same for any number.</summary>
    public int Threads { get; init; } = Math.Max(1, Environment.ProcessorCount);

    /// <summary>Batches that may be ready or in the making before they are asked for; memory grows with it.</summary>
    public int Prefetch { get; init; } = 3;

    /// <summary>Whether each epoch has a random order of its own.</summary>
    public bool Shuffle { get; init; }

    /// <summary>Whether a last batch that is not full is left out, as in the official training.</summary>
    public bool DropLast { get; init; }

    /// <summary>Seeds order and augmentation.</summary>
    public long Seed { get; init; }

    /// <summary>
    /// The images of an epoch in order, for all ranks together, such as by <see cref="RepeatedAugmentationSampler"/>;
    /// all images where null.
    /// </summary>
    public Func<long, int[]>? Order { get; init; }

    /// <summary>
    /// Whether an image that cannot be read is replaced by the next one of its batch, so that batches keep their size
    /// (training), or missed (evaluation).
    /// </summary>
    public bool FillGaps { get; init; }
}
