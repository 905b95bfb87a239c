using System.Runtime.ExceptionServices;
using PatchKit.Data.Augment;
using PatchKit.Data.Images;
using PatchKit.Data.Loading;
using PatchKit.Data.Sets;
using static TorchSharp.torch;

namespace PatchKit.Data.Segmentation;

/// <summary>
/// Batches of images with dense labels, read and augmented on threads of their own, some batches ahead. What a batch
/// holds depends on (seed, position) alone. Tensors are made on the thread that asks for batches, and bad samples are
/// reported there in order.
/// </summary>
public sealed class SegmentationLoader
{
    private readonly SegmentationFolder _folder;
    private readonly BadSamples _bad;
    private readonly int _ahead = Math.Max(2, Environment.ProcessorCount);

    /// <summary>A loader; nothing is read yet.</summary>
    /// <param name="folder">the images.</param>
    /// <param name="bad">what happens to pairs that cannot be read; by default they end the batches.</param>
    public SegmentationLoader(SegmentationFolder folder, BadSamples? bad = null) =>
        (_folder, _bad) = (folder, bad ?? new());

    /// <summary>
    /// Training batches of one size; a pair that cannot be read is replaced by the next one of its batch. Dispose each
    /// when it has been used.
    /// </summary>
    /// <param name="transform">what is done to each pair.</param>
    /// <param name="batches">for each batch, its images, each with the position that seeds its augmentation.</param>
    /// <param name="seed">the run's seed.</param>
    /// <param name="cancellation">ends them.</param>
    /// <param name="shared">whether the batches are one rank's share of them.</param>
    /// <exception cref="ImageException">A pair cannot be read, and bad ones are not skipped; or, of a share, none
    /// can.</exception>
    public IEnumerable<Batch> Training(
        SegmentationTransform transform,
        IEnumerable<(int Index, long Position)[]> batches,
        long seed,
        CancellationToken cancellation,
        bool shared = false
    )
    {
        int area = transform.Height * transform.Width;
        foreach (var (planes, classes, failures) in Ahead.InOrder(batches, Fill, _ahead, cancellation))
        {
            int size = failures.Length;
            foreach (var failure in failures)
                Report(failure);
            if (Array.TrueForAll(failures, failure => failure is not null))
            {
                // A batch of which no pair can be read is passed over, but the other ranks, whose shares are good,
                // would not know.
                if (shared)
                    ExceptionDispatchInfo.Throw(failures[0]!);
                continue;
            }
            for (int place = 0; place < size; place++)
            {
                if (failures[place] is null)
                    continue;
                int from = place;
                while (failures[from] is not null)
                    from = (from + 1) % size;
                planes.AsSpan(3 * area * from, 3 * area).CopyTo(planes.AsSpan(3 * area * place));
                classes.AsSpan(area * from, area).CopyTo(classes.AsSpan(area * place));
            }
            yield return Make(planes, classes, size, transform.Height, transform.Width);
        }

        (float[] Planes, byte[] Classes, Exception?[] Failures) Fill((int Index, long Position)[] batch)
        {
            var (planes, classes, failures) = (
                new float[batch.Length * 3 * area],
                new byte[batch.Length * area],
                new Exception?[batch.Length]
            );
            for (int place = 0; place < batch.Length; place++)
            {
                failures[place] = Try(
                    batch[place].Index,
                    (image, labels) =>
                    {
                        var random = new SampleRandom(seed, 0, batch[place].Position);
                        transform.Apply(
                            image,
                            labels,
                            planes.AsSpan(place * 3 * area, 3 * area),
                            classes.AsSpan(place * area, area),
                            ref random
                        );
                    }
                );
            }
            return (planes, classes, failures);
        }
    }

    /// <summary>
    /// All images once, in order; neighbours of one size share a batch, and pairs that cannot be read are left out.
    /// Labels keep their own resolution.
    /// </summary>
    /// <param name="shorterSide">the shorter side that images are resized to; 0 for their own.</param>
    /// <param name="batchSize">images in a batch, at most.</param>
    /// <param name="normalization">bytes to numbers.</param>
    /// <param name="cancellation">ends them.</param>
    /// <exception cref="ImageException">A pair cannot be read, and bad ones are not skipped.</exception>
    public IEnumerable<Batch> Whole(
        int shorterSide,
        int batchSize,
        Normalization normalization,
        CancellationToken cancellation
    )
    {
        List<(float[] Planes, int Width, int Height, LabelMap Labels)> waiting = [];
        foreach (var (read, failure) in Ahead.InOrder(Enumerable.Range(0, _folder.Count), Read, _ahead, cancellation))
        {
            Report(failure);
            if (read is not { } pair)
                continue;
            if (
                waiting.Count > 0
                && (
                    waiting.Count == batchSize
                    || (waiting[0].Width, waiting[0].Height, waiting[0].Labels.Width, waiting[0].Labels.Height)
                        != (pair.Width, pair.Height, pair.Labels.Width, pair.Labels.Height)
                )
            )
                yield return Joined();
            waiting.Add(pair);
        }
        if (waiting.Count > 0)
            yield return Joined();

        Batch Joined()
        {
            using var scope = NewDisposeScope();
            var planes = waiting.Select(pair => tensor(pair.Planes, [3, pair.Height, pair.Width]));
            var images = stack(planes); // (B, 3, H, W)
            var dense = stack(
                waiting.Select(pair =>
                    tensor(pair.Labels.Classes, [pair.Labels.Height, pair.Labels.Width]).to(ScalarType.Int64)
                )
            ); // (B, H', W')
            var batch = new Batch(
                images.MoveToOuterDisposeScope(),
                zeros([waiting.Count], int64).MoveToOuterDisposeScope(),
                Dense: dense.MoveToOuterDisposeScope()
            );
            waiting.Clear();
            return batch;
        }

        ((float[] Planes, int Width, int Height, LabelMap Labels)? Pair, Exception? Failure) Read(int index)
        {
            (float[], int, int, LabelMap)? pair = null;
            var failure = Try(
                index,
                (image, labels) =>
                {
                    double factor = shorterSide > 0 ? (double)shorterSide / Math.Min(image.Width, image.Height) : 1;
                    using var resized =
                        factor == 1
                            ? image.Clone()
                            : image.Resize(
                                (int)Math.Round(image.Width * factor),
                                (int)Math.Round(image.Height * factor),
                                ResizeFilter.Bilinear
                            );
                    var planes = new float[3 * resized.Width * resized.Height];
                    normalization.Apply(resized, planes);
                    pair = (planes, resized.Width, resized.Height, labels);
                }
            );
            return (pair, failure);
        }
    }

    private static Batch Make(float[] planes, byte[] classes, int size, int height, int width)
    {
        using var bytes = tensor(classes, [size, height, width]);
        return new Batch(
            tensor(planes, [size, 3, height, width]),
            zeros([size], int64),
            Dense: bytes.to(ScalarType.Int64)
        );
    }

    private Exception? Try(int index, Action<Image, LabelMap> work)
    {
        try
        {
            var (image, labels) = _folder.Read(index);
            using (image)
                work(image, labels);
            return null;
        }
        catch (ArgumentException e)
        {
            return new ImageException(_folder.ImageFile(index), $"cannot be augmented: {e.Message}", e);
        }
        catch (ImageException e)
        {
            return e;
        }
    }

    private void Report(Exception? failure)
    {
        if (failure is ImageException bad)
            _bad.Report(bad);
        else if (failure is not null)
            ExceptionDispatchInfo.Throw(failure);
    }
}
