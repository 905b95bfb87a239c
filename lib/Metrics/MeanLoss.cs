namespace PatchKit.Metrics;

/// <summary>The mean of a loss over batches: weighted by their sizes, and as the official code has it.</summary>
public sealed class MeanLoss
{
    private double _sum,
        _sumOfMeans;
    private long _batches;

    /// <summary>The images counted so far.</summary>
    public long Count { get; private set; }

    /// <summary>The mean over images: right for any batch sizes; NaN before the first batch.</summary>
    public double Weighted => _sum / Count;

    /// <summary>
    /// The mean of the batches' means, which is what the official evaluate() prints: the images of a smaller last batch
    /// weigh more. Equal to <see cref="Weighted"/> where all batches are of one size. NaN before the first batch.
    /// </summary>
    public double Official => _sumOfMeans / _batches;

    /// <summary>Counts a batch.</summary>
    /// <param name="mean">its mean loss.</param>
    /// <param name="size">its images.</param>
    /// <exception cref="ArgumentException">The batch is empty.</exception>
    public void Add(double mean, long size)
    {
        if (size < 1)
            throw new ArgumentException($"a batch of {size} images has no mean loss; leave it out.");
        _sum += mean * size;
        _sumOfMeans += mean;
        Count += size;
        _batches++;
    }
}
