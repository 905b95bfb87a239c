using PatchKit.Data.Augment;
using PatchKit.Data.Images;
using PatchKit.Data.Sets;
using static TorchSharp.torch;

namespace PatchKit.Data.Loading;

/// <summary>
/// Batches of a set: read, decoded and augmented on threads of its own, a few batches ahead, with buffers that are
/// reused. Image, order and augmentation depend on (seed, epoch, position) alone. Tensors are made on the thread that
/// asks for batches.
/// </summary>
public sealed class ImageLoader
{
    private readonly IImageSource _source;
    private readonly IImageTransform _transform;

    /// <summary>A loader; nothing is read yet.</summary>
    /// <param name="source">the images.</param>
    /// <param name="transform">what is done to each.</param>
    /// <param name="options">how batches are made.</param>
    /// <param name="bad">what happens to images that cannot be read; by default they end the epoch.</param>
    /// <exception cref="ArgumentException">A number of the options is less than 1.</exception>
    public ImageLoader(
        IImageSource source,
        IImageTransform transform,
        ImageLoaderOptions? options = null,
        BadSamples? bad = null
    )
    {
        (_source, _transform, Options, Bad) = (source, transform, options ?? new(), bad ?? new());
        if (Options.BatchSize < 1 || Options.Threads < 1 || Options.Prefetch < 1)
            throw new ArgumentException(
                $"batch size {Options.BatchSize}, {Options.Threads} threads and {Options.Prefetch} batches "
                    + "ahead were asked for; each must be at least 1."
            );
        if (Options.Share.Ranks > 1 && !Options.DropLast)
            throw new ArgumentException(
                "shares are of full batches, but the last one of an epoch may not be full; set DropLast."
            );
    }

    /// <summary>How batches are made.</summary>
    public ImageLoaderOptions Options { get; }

    /// <summary>The images that could not be read so far.</summary>
    public BadSamples Bad { get; }

    /// <summary>The images of an epoch in order.</summary>
    public int[] Order(long epoch)
    {
        if (Options.Order is { } given)
            return given(epoch);
        int[] order = [.. Enumerable.Range(0, _source.Count)];
        if (!Options.Shuffle)
            return order;
        var random = new SampleRandom(Options.Seed, epoch, -1);
        random.Shuffle<int>(order);
        return order;
    }

    /// <summary>How many batches an epoch has.</summary>
    public int Batches(long epoch = 0) => BatchesOf(Options.Order is { } given ? given(epoch).Length : _source.Count);

    /// <summary>
    /// The batches of an epoch; dispose each when it has been used. Leaving the loop early ends the threads.
    /// </summary>
    /// <param name="epoch">which.</param>
    /// <param name="firstBatch">where to begin, for a run that is resumed.</param>
    /// <param name="cancellation">ends the epoch.</param>
    /// <exception cref="ImageException">An image cannot be read and bad ones are not skipped; always the first of the
    /// epoch's order.</exception>
    /// <exception cref="OperationCanceledException">The epoch was cancelled.</exception>
    public IEnumerable<Batch> Epoch(long epoch, int firstBatch = 0, CancellationToken cancellation = default)
    {
        int[] order = Order(epoch);
        using var run = new LoaderRun(
            _source,
            _transform,
            Options,
            Bad,
            order,
            epoch,
            firstBatch,
            BatchesOf(order.Length),
            cancellation
        );
        int size = _transform.Size;
        while (run.Next() is { } filled)
        {
            if (filled.Count == 0)
            {
                run.Release(filled);
                continue;
            }
            var images =
                filled.Count == filled.Labels.Length
                    ? filled.Planes
                    : filled.Planes[..(filled.Count * 3 * size * size)];
            var batch = new Batch(tensor(images, [filled.Count, 3, size, size]), tensor(filled.Labels[..filled.Count]));
            run.Release(filled);
            yield return batch;
        }
    }

    private int BatchesOf(int images) =>
        Options.DropLast ? images / Options.BatchSize : (images + Options.BatchSize - 1) / Options.BatchSize;
}
