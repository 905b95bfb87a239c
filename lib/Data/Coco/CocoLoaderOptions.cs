using PatchKit.Data.Loading;

namespace PatchKit.Data.Coco;

/// <summary>How images with objects become batches.</summary>
public sealed record CocoLoaderOptions
{
    /// <summary>Images in a batch.</summary>
    public int BatchSize { get; init; } = 16;

    /// <summary>
    /// This process's share of every batch, where several train together; batches must then be full
    /// (<see cref="DropLast"/>).
    /// </summary>
    public BatchShare Share { get; init; } = BatchShare.Whole;

    /// <summary>
    /// Whether each epoch has a random order of its own, in batches of like shape (<see cref="AspectRatioBatches"/>);
    /// else images come in the order of ids.
    /// </summary>
    public bool Shuffle { get; init; }

    /// <summary>Whether batches that are not full are left out.</summary>
    public bool DropLast { get; init; }

    /// <summary>
    /// Whether an image that cannot be read is replaced by the next one of its batch, so that batches keep their size
    /// (training), or missed (evaluation).
    /// </summary>
    public bool FillGaps { get; init; }

    /// <summary>Batches are padded to multiples of this: the patch size, or the largest stride.</summary>
    public int Multiple { get; init; } = 32;

    /// <summary>
    /// The size of every batch; that of its largest image where null, or the square of large-scale jitter.
    /// </summary>
    public (int Height, int Width)? Canvas { get; init; }

    /// <summary>Seeds order and augmentation.</summary>
    public long Seed { get; init; }

    /// <summary>Threads that decode and augment. Batches are the same for any number.</summary>
    public int Threads { get; init; } = Math.Max(1, Environment.ProcessorCount);
}
