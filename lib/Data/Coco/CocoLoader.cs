using System.Runtime.ExceptionServices;
using PatchKit.Data.Augment;
using PatchKit.Data.Images;
using PatchKit.Data.Sets;
using static TorchSharp.torch;

namespace PatchKit.Data.Coco;

/// <summary>
/// Batches of a set of images with objects: read, augmented and padded, one batch ahead of the one that is in use. What
/// is in a batch depends on (seed, epoch, position) alone.
/// </summary>
public sealed class CocoLoader
{
    private readonly CocoDataset _set;
    private readonly DetectionTransform _transform;
    private readonly BadSamples _bad;
    private readonly (int Height, int Width)[] _sizes;

    /// <summary>A loader; nothing is read yet.</summary>
    /// <param name="set">The images.</param>
    /// <param name="transform">What is done to each.</param>
    /// <param name="options">How batches are made.</param>
    /// <param name="bad">What happens to images that cannot be read; by default they end the batches.</param>
    /// <exception cref="ArgumentException">A number of the options is less than 1.</exception>
    public CocoLoader(
        CocoDataset set,
        DetectionTransform transform,
        CocoLoaderOptions? options = null,
        BadSamples? bad = null
    )
    {
        (_set, _transform, Options, _bad) = (set, transform, options ?? new(), bad ?? new());
        if (Options.BatchSize < 1 || Options.Threads < 1 || Options.Multiple < 1)
            throw new ArgumentException(
                $"batch size {Options.BatchSize}, {Options.Threads} threads and multiples "
                    + $"of {Options.Multiple} pixels were asked for; each must be at least 1."
            );
        if (Options.Share.Ranks > 1 && !Options.DropLast)
            throw new ArgumentException(
                "shares are of full batches, but the last one of an epoch may not be full; set DropLast."
            );
        _sizes = [.. Enumerable.Range(0, set.Count).Select(i => (set.Image(i).Height, set.Image(i).Width))];
    }

    /// <summary>How batches are made.</summary>
    public CocoLoaderOptions Options { get; }

    /// <summary>The images of each batch of an epoch.</summary>
    public int[][] Order(long epoch) =>
        Options.Shuffle
            ? AspectRatioBatches.Of(_sizes, Options.BatchSize, Options.Seed, epoch, Options.DropLast)
            :
            [
                .. Enumerable
                    .Range(0, _set.Count)
                    .Chunk(Options.BatchSize)
                    .Where(batch => !Options.DropLast || batch.Length == Options.BatchSize),
            ];

    /// <summary>
    /// The batches of an epoch; dispose each when it has been used. Labels are -1: an image of several objects has no
    /// class.
    /// </summary>
    /// <param name="epoch">Which.</param>
    /// <param name="firstBatch">Where to begin, for a run that is resumed.</param>
    /// <param name="cancellation">Ends the epoch.</param>
    /// <exception cref="ImageException">An image or a mask cannot be read, and bad ones are not skipped.</exception>
    /// <exception cref="ArgumentException">An image is larger than the canvas.</exception>
    /// <exception cref="OperationCanceledException">The epoch was cancelled.</exception>
    public IEnumerable<Batch> Epoch(long epoch, int firstBatch = 0, CancellationToken cancellation = default)
    {
        int[][] order = Order(epoch);
        long position = order.Take(firstBatch).Sum(batch => batch.Length);
        var next = Begin(firstBatch);
        for (int i = firstBatch; next is not null; i++)
        {
            var filled = next.GetAwaiter().GetResult();
            next = Begin(i + 1);
            cancellation.ThrowIfCancellationRequested();
            foreach (var failure in filled.Failures)
                _bad.Report(failure);
            if (filled.Sources.Length > 0)
                yield return filled.ToBatch();
        }

        Task<Filled>? Begin(int batch)
        {
            if (batch >= order.Length)
                return null;
            long first = position;
            position += order[batch].Length;
            return Task.Run(() => Fill(order[batch], epoch, first, cancellation), cancellation);
        }
    }

    private Filled Fill(int[] batch, long epoch, long first, CancellationToken cancellation)
    {
        int[] places = Options.Share.Ranks == 1
                ? [.. Enumerable.Range(0, batch.Length)]
                : Options.Share.Places(batch.Length),
            indices = [.. places.Select(place => batch[place])];
        var (read, failures) = (new DetectionSample?[indices.Length], new ImageException?[indices.Length]);
        try
        {
            Parallel.For(
                0,
                indices.Length,
                new ParallelOptions { MaxDegreeOfParallelism = Options.Threads, CancellationToken = cancellation },
                i =>
                {
                    var random = new SampleRandom(Options.Seed, epoch, first + places[i]);
                    try
                    {
                        read[i] = _transform.Apply(_set.Read(indices[i]), ref random);
                    }
                    catch (ImageException e)
                    {
                        failures[i] = e;
                    }
                }
            );
            DetectionSample[] good = [.. read.OfType<DetectionSample>()];
            // A batch of which no image can be read is passed over, but the other ranks, whose shares are good, would
            // not know.
            if (
                good.Length == 0
                && Options.Share.Ranks > 1
                && failures.OfType<ImageException>().FirstOrDefault() is { } unreadable
            )
                ExceptionDispatchInfo.Throw(unreadable);
            var samples =
                Options.FillGaps && good.Length > 0
                    ?
                    [
                        .. Enumerable
                            .Range(0, read.Length)
                            .Select(i =>
                                read[i] ?? read[(i + 1)..].Concat(read[..i]).OfType<DetectionSample>().First()
                            ),
                    ]
                    : good;
            var (height, width) = Canvas(samples, batch);
            var planes = new float[checked(samples.Length * 3 * height * width)];
            Parallel.For(
                0,
                samples.Length,
                new ParallelOptions { MaxDegreeOfParallelism = Options.Threads },
                i => Place(samples[i].Pixels, planes.AsSpan(i * 3 * height * width, 3 * height * width), height, width)
            );
            return new Filled(
                planes,
                height,
                width,
                [
                    .. samples.Select(sample => new BatchSource(
                        sample.ImageId,
                        sample.Pixels.Height,
                        sample.Pixels.Width,
                        sample.Original.Height,
                        sample.Original.Width
                    )),
                ],
                [.. samples.Select(sample => sample.Objects)],
                [.. failures.OfType<ImageException>()]
            );
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.Flatten().InnerExceptions[0]);
            throw;
        }
        finally
        {
            foreach (var sample in read)
                sample?.Dispose();
        }
    }

    // A share is padded to the size of its whole batch, which the set's own sizes say before its images are read.
    private (int Height, int Width) Canvas(DetectionSample[] samples, int[] batch)
    {
        var sizes =
            Options.Share.Ranks == 1 || _transform.Jitter is not null
                ? samples.Select(sample => (sample.Pixels.Height, sample.Pixels.Width))
                : batch.Select(index =>
                    _transform.Resize?.Of(_sizes[index].Height, _sizes[index].Width) ?? _sizes[index]
                );
        int height = sizes.Select(size => size.Height).DefaultIfEmpty().Max(),
            width = sizes.Select(size => size.Width).DefaultIfEmpty().Max();
        var canvas =
            Options.Canvas ?? (_transform.Jitter is { } jitter ? (jitter.Size, jitter.Size) : (Up(height), Up(width)));
        return height <= canvas.Height && width <= canvas.Width
            ? canvas
            : throw new ArgumentException(
                $"an image of {width} x {height} pixels does not fit into batches of {canvas.Width} "
                    + $"x {canvas.Height}; resize images to no more than that, or leave the canvas out."
            );

        int Up(int length) => (length + Options.Multiple - 1) / Options.Multiple * Options.Multiple;
    }

    // The image's planes in the top left of the batch's; what is left stays 0, the mean of normalised pixels.
    private void Place(Image image, Span<float> planes, int height, int width)
    {
        int area = image.Width * image.Height;
        var numbers = new float[3 * area];
        _transform.Normalization.Apply(image, numbers);
        for (int c = 0; c < 3; c++)
        for (int y = 0; y < image.Height; y++)
            numbers.AsSpan(c * area + y * image.Width, image.Width).CopyTo(planes[((c * height + y) * width)..]);
    }

    /// <summary>A batch before its tensors are made, which is done on the thread that asks for it.</summary>
    private sealed record Filled(
        float[] Planes,
        int Height,
        int Width,
        BatchSource[] Sources,
        IReadOnlyList<SampleObject>[] Objects,
        ImageException[] Failures
    )
    {
        internal Batch ToBatch() =>
            new(
                tensor(Planes, [Sources.Length, 3, Height, Width]),
                full([Sources.Length], -1, ScalarType.Int64),
                Objects: [.. Sources.Zip(Objects, Targets)]
            )
            {
                Sources = Sources,
            };

        private ObjectTargets Targets(BatchSource source, IReadOnlyList<SampleObject> objects)
        {
            var masks = new bool[objects.Count * Height * Width];
            for (int k = 0; k < objects.Count; k++)
            for (int y = 0; y < source.Height; y++)
            for (int x = 0; x < source.Width; x++)
                masks[(k * Height + y) * Width + x] = objects[k].Mask[y * source.Width + x] != 0;
            return new ObjectTargets(
                tensor(
                    objects.SelectMany(entry => new[] { entry.Left, entry.Top, entry.Right, entry.Bottom }).ToArray(),
                    [objects.Count, 4]
                ),
                tensor(objects.Select(entry => (long)entry.Class).ToArray(), [objects.Count]),
                tensor(masks, [objects.Count, Height, Width])
            )
            {
                Masked = objects.All(entry => entry.HasMask)
                    ? null
                    : tensor(objects.Select(entry => entry.HasMask).ToArray(), [objects.Count]),
            };
        }
    }
}
