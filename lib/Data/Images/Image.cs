using System.Buffers;

namespace PatchKit.Data.Images;

/// <summary>
/// RGB pixels of 8 bits, row by row, (H, W, 3). The memory is borrowed from a pool and returned by Dispose; an image
/// that is forgotten is collected like any other object. Operations give new images and leave this one as it is.
/// </summary>
public sealed partial class Image : IDisposable
{
    private byte[]? _pixels;

    /// <summary>An image whose pixels are whatever the memory holds.</summary>
    /// <exception cref="ArgumentException">A side is less than 1.</exception>
    public Image(int width, int height)
    {
        if (width < 1 || height < 1)
            throw new ArgumentException(
                $"an image of {width} x {height} pixels has none; both sides must be at least 1."
            );
        (Width, Height) = (width, height);
        _pixels = ArrayPool<byte>.Shared.Rent(checked(3 * width * height));
    }

    /// <summary>An image with a copy of pixels (H, W, 3).</summary>
    /// <exception cref="ArgumentException">There are not 3 x width x height bytes.</exception>
    public Image(int width, int height, ReadOnlySpan<byte> pixels)
        : this(width, height)
    {
        if (pixels.Length != Pixels.Length)
            throw new ArgumentException(
                $"an image of {width} x {height} pixels has {Pixels.Length} bytes, but {pixels.Length} were given."
            );
        pixels.CopyTo(Pixels);
    }

    /// <summary>Columns.</summary>
    public int Width { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>
    /// Bits of a sample in the file that the image was decoded from; where they are 16, the low 8 were left out, and so
    /// the image scaled.
    /// </summary>
    public int SourceBits { get; init; } = 8;

    /// <summary>The bytes, (H, W, 3); valid until the image is disposed.</summary>
    /// <exception cref="ObjectDisposedException">The image was disposed.</exception>
    public Span<byte> Pixels =>
        (_pixels ?? throw new ObjectDisposedException(nameof(Image))).AsSpan(0, 3 * Width * Height);

    /// <summary>One row, (W, 3).</summary>
    public Span<byte> Row(int y) => Pixels.Slice(3 * Width * y, 3 * Width);

    /// <summary>A copy with memory of its own.</summary>
    public Image Clone() => new(Width, Height, Pixels);

    /// <summary>An image of planes (3, H, W), as CIFAR and tensors have them.</summary>
    public static Image FromPlanes(int width, int height, ReadOnlySpan<byte> planes)
    {
        var image = new Image(width, height);
        int area = width * height;
        if (planes.Length != 3 * area)
            throw new ArgumentException(
                $"planes of {width} x {height} pixels have {3 * area} bytes, but {planes.Length} were given."
            );
        ReadOnlySpan<byte> red = planes[..area],
            green = planes.Slice(area, area),
            blue = planes[(2 * area)..];
        var to = image.Pixels;
        for (int i = 0; i < red.Length; i++)
            (to[3 * i], to[3 * i + 1], to[3 * i + 2]) = (red[i], green[i], blue[i]);
        return image;
    }

    /// <summary>Returns the memory.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _pixels, null) is { } pixels)
            ArrayPool<byte>.Shared.Return(pixels);
    }
}
