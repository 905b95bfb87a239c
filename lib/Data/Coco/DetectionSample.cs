using PatchKit.Data.Images;

namespace PatchKit.Data.Coco;

/// <summary>
/// An image with its objects. Each operation moves the pixels, the boxes and the masks together; it gives a new sample
/// and leaves this one as it is.
/// </summary>
public sealed class DetectionSample : IDisposable
{
    /// <summary>A sample.</summary>
    /// <param name="imageId">The image's id in its set.</param>
    /// <param name="pixels">The image, which the sample owns from here on.</param>
    /// <param name="objects">Its objects, with masks of its size.</param>
    /// <param name="original">The image's size in its set; that of <paramref name="pixels"/> where null.</param>
    public DetectionSample(
        long imageId,
        Image pixels,
        IReadOnlyList<SampleObject> objects,
        (int Height, int Width)? original = null
    ) => (ImageId, Pixels, Objects, Original) = (imageId, pixels, objects, original ?? (pixels.Height, pixels.Width));

    /// <summary>The image's id in its set.</summary>
    public long ImageId { get; }

    /// <summary>The image.</summary>
    public Image Pixels { get; }

    /// <summary>Its objects.</summary>
    public IReadOnlyList<SampleObject> Objects { get; }

    /// <summary>The image's size in its set, which predictions are scored in.</summary>
    public (int Height, int Width) Original { get; }

    /// <summary>Another size: the image bilinearly, masks by the nearest pixel.</summary>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <param name="filter">How the image is resized.</param>
    public DetectionSample Resize(int height, int width, ResizeFilter filter = ResizeFilter.Bilinear)
    {
        var (fromHeight, fromWidth) = (Pixels.Height, Pixels.Width);
        float x = (float)width / fromWidth,
            y = (float)height / fromHeight;
        int[] columns = [.. Enumerable.Range(0, width).Select(i => (int)((2L * i + 1) * fromWidth / (2L * width)))];
        return Of(
            Pixels.Resize(width, height, filter),
            Objects.Select(entry =>
                entry with
                {
                    Left = entry.Left * x,
                    Top = entry.Top * y,
                    Right = entry.Right * x,
                    Bottom = entry.Bottom * y,
                    Mask = Nearest(entry.Mask),
                }
            )
        );

        byte[] Nearest(byte[] mask)
        {
            var resized = new byte[height * width];
            for (int row = 0; row < height; row++)
            {
                var from = mask.AsSpan((int)((2L * row + 1) * fromHeight / (2L * height)) * fromWidth, fromWidth);
                var to = resized.AsSpan(row * width, width);
                for (int i = 0; i < to.Length; i++)
                    to[i] = from[columns[i]];
            }
            return resized;
        }
    }

    /// <summary>Mirrored left to right.</summary>
    public DetectionSample Flip()
    {
        int width = Pixels.Width;
        return Of(
            Pixels.FlipHorizontal(),
            Objects.Select(entry =>
                entry with
                {
                    Left = width - entry.Right,
                    Right = width - entry.Left,
                    Mask = Mirrored(entry.Mask, width),
                }
            )
        );
    }

    /// <summary>
    /// A part of the image. Objects without a pixel in it are gone; the others' boxes are those of the masks that are
    /// left.
    /// </summary>
    /// <exception cref="ArgumentException">The part is not inside the image.</exception>
    public DetectionSample Crop(CropBox part)
    {
        var pixels = Pixels.Crop(part);
        return Of(
            pixels,
            Objects.Select(entry => Visible(entry, Cut(entry.Mask, Pixels.Width, part), part)).OfType<SampleObject>()
        );
    }

    /// <summary>Frees the image.</summary>
    public void Dispose() => Pixels.Dispose();

    private DetectionSample Of(Image pixels, IEnumerable<SampleObject> objects) =>
        new(ImageId, pixels, [.. objects], Original);

    private static byte[] Mirrored(byte[] mask, int width)
    {
        var mirrored = (byte[])mask.Clone();
        for (int at = 0; at < mirrored.Length; at += width)
            Array.Reverse(mirrored, at, width);
        return mirrored;
    }

    private static byte[] Cut(byte[] mask, int width, CropBox part)
    {
        var cut = new byte[part.Height * part.Width];
        for (int y = 0; y < part.Height; y++)
            mask.AsSpan((part.Top + y) * width + part.Left, part.Width).CopyTo(cut.AsSpan(y * part.Width));
        return cut;
    }

    private static SampleObject? Visible(SampleObject entry, byte[] mask, CropBox part)
    {
        int left = part.Width,
            top = part.Height,
            right = 0,
            bottom = 0;
        for (int y = 0; y < part.Height; y++)
        {
            ReadOnlySpan<byte> row = mask.AsSpan(y * part.Width, part.Width);
            int first = row.IndexOf((byte)1);
            if (first < 0)
                continue;
            (left, right, top, bottom) = (
                Math.Min(left, first),
                Math.Max(right, row.LastIndexOf((byte)1) + 1),
                Math.Min(top, y),
                y + 1
            );
        }
        return right == 0 ? null
            : entry.HasMask ? new SampleObject(entry.Class, left, top, right, bottom, mask)
            : entry with
            {
                Left = Math.Max(0, entry.Left - part.Left),
                Top = Math.Max(0, entry.Top - part.Top),
                Right = Math.Min(part.Width, entry.Right - part.Left),
                Bottom = Math.Min(part.Height, entry.Bottom - part.Top),
                Mask = mask,
            };
    }
}
