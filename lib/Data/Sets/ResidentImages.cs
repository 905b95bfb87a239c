using PatchKit.Data.Augment;
using PatchKit.Data.Images;
using static TorchSharp.torch;

namespace PatchKit.Data.Sets;

/// <summary>
/// A set in memory as bytes, every image resized once to one size: what small images and sweeps over patch sizes train
/// from.
/// </summary>
public sealed class ResidentImages : IDisposable
{
    private readonly Tensor _images,
        _labels;

    private ResidentImages(Tensor images, Tensor labels) => (_images, _labels) = (images, labels);

    /// <summary>How many images there are.</summary>
    public int Count => (int)_labels.shape[0];

    /// <summary>The images' side.</summary>
    public int Size => (int)_images.shape[2];

    /// <summary>
    /// Reads a set, on threads of its own; each image's middle square, resized with Pillow's antialiased bicubic
    /// weights.
    /// </summary>
    /// <param name="source">the set.</param>
    /// <param name="size">the side to resize to.</param>
    /// <param name="device">where the bytes are kept.</param>
    /// <param name="cancellation">ends the reading.</param>
    /// <exception cref="ImageException">An image cannot be read.</exception>
    public static ResidentImages Read(
        IImageSource source,
        int size,
        Device? device = null,
        CancellationToken cancellation = default
    )
    {
        var bytes = new byte[checked((long)source.Count * 3 * size * size)];
        Parallel.For(
            0,
            source.Count,
            new ParallelOptions
            {
                CancellationToken = cancellation,
                MaxDegreeOfParallelism = Environment.ProcessorCount,
            },
            i =>
            {
                using var image = source.Read(i);
                using var fitted =
                    image.Width == size && image.Height == size ? image.Clone() : new EvalCrop(size, 1).Apply(image);
                fitted.Pixels.CopyTo(bytes.AsSpan(i * 3 * size * size));
            }
        );
        using var scope = NewDisposeScope();
        var images = tensor(bytes, [source.Count, size, size, 3]).permute(0, 3, 1, 2).contiguous(); // (N, 3, S, S)
        long[] labels = [.. Enumerable.Range(0, source.Count).Select(i => (long)source.Label(i))];
        return new ResidentImages(
            images.to(device ?? CPU).DetachFromDisposeScope(),
            tensor(labels).to(device ?? CPU).DetachFromDisposeScope()
        );
    }

    /// <summary>Some of the images: (B, 3, Size, Size), uint8, with labels (B).</summary>
    public Batch Batch(ReadOnlySpan<int> indices)
    {
        using var scope = NewDisposeScope();
        // a small copy that a GPU's driver takes at once
        var rows = tensor(Array.ConvertAll(indices.ToArray(), i => (long)i)).to(_images.device, non_blocking: true);
        return new Batch(
            _images.index_select(0, rows).MoveToOuterDisposeScope(),
            _labels.index_select(0, rows).MoveToOuterDisposeScope()
        );
    }

    /// <summary>Frees the images.</summary>
    public void Dispose()
    {
        _images.Dispose();
        _labels.Dispose();
    }
}
