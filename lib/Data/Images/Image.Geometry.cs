using System.Globalization;
using System.Runtime.InteropServices;

namespace PatchKit.Data.Images;

public sealed partial class Image
{
    private const int Colours = 3;

    /// <summary>Pillow's resize, antialiased when shrinking, of the whole image.</summary>
    /// <exception cref="ArgumentException">A side is less than 1.</exception>
    public Image Resize(int width, int height, ResizeFilter filter = ResizeFilter.Bicubic) =>
        CropResize(new CropBox(0, 0, Height, Width), width, height, filter);

    /// <summary>
    /// The box is cut out, then resized, as torchvision's <c>resized_crop</c>: no pixel outside the box is used.
    /// </summary>
    /// <exception cref="ArgumentException">The box is not inside the image, or a side is less than 1.</exception>
    public Image CropResize(CropBox box, int width, int height, ResizeFilter filter = ResizeFilter.Bicubic)
    {
        Inside(box);
        return Resized(
            Colours * (Width * box.Top + box.Left),
            box.Width,
            box.Height,
            (0, 0, box.Width, box.Height),
            width,
            height,
            filter
        );
    }

    /// <summary>Pillow's resize of a box whose edges may lie within pixels; pixels around the box take part.</summary>
    /// <param name="box">left, top, right and bottom, inside the image.</param>
    /// <param name="width">columns of the result.</param>
    /// <param name="height">rows of the result.</param>
    /// <param name="filter">bilinear or bicubic.</param>
    /// <exception cref="ArgumentException">The box is not inside the image, or a side is less than 1.</exception>
    public Image ResizeBox(
        (float Left, float Top, float Right, float Bottom) box,
        int width,
        int height,
        ResizeFilter filter = ResizeFilter.Bicubic
    ) => Resized(0, Width, Height, box, width, height, filter);

    /// <summary>The pixels of a box.</summary>
    /// <exception cref="ArgumentException">The box is not inside the image.</exception>
    public Image Crop(CropBox box)
    {
        Inside(box);
        var cut = new Image(box.Width, box.Height);
        for (int y = 0; y < box.Height; y++)
            Row(box.Top + y).Slice(3 * box.Left, 3 * box.Width).CopyTo(cut.Row(y));
        return cut;
    }

    /// <summary>The middle, as torchvision's CenterCrop; an image that is smaller is padded with black first.</summary>
    public Image CropCentre(int size)
    {
        if (Width < size || Height < size)
        {
            int left = Math.Max(size - Width, 0) / 2,
                top = Math.Max(size - Height, 0) / 2;
            using var padded = new Image(Math.Max(Width, size), Math.Max(Height, size));
            padded.Pixels.Clear();
            for (int y = 0; y < Height; y++)
                Row(y).CopyTo(padded.Row(top + y)[(3 * left)..]);
            return padded.CropCentre(size);
        }
        return Crop(
            new CropBox((int)Math.Round((Height - size) / 2.0), (int)Math.Round((Width - size) / 2.0), size, size)
        );
    }

    /// <summary>Mirrored left to right.</summary>
    public Image FlipHorizontal()
    {
        var flipped = new Image(Width, Height);
        for (int y = 0; y < Height; y++)
        {
            var row = flipped.Row(y);
            Row(y).CopyTo(row);
            MemoryMarshal.Cast<byte, Rgb>(row).Reverse();
        }
        return flipped;
    }

    /// <summary>
    /// More pixels on every side, mirrored about the edge pixels, which are not repeated (numpy's "reflect").
    /// </summary>
    /// <exception cref="ArgumentException">The padding reaches past the opposite edge.</exception>
    public Image PadReflect(int padding)
    {
        if (padding < 0 || padding >= Width || padding >= Height)
            throw new ArgumentException(
                $"a reflected padding of {padding} needs more than {padding} pixels each way, but the image "
                    + $"has {Width} x {Height}."
            );
        var padded = new Image(Width + 2 * padding, Height + 2 * padding);
        for (int y = 0; y < padded.Height; y++)
        {
            Span<byte> from = Row(Mirror(y - padding, Height)),
                to = padded.Row(y);
            for (int x = 0; x < padded.Width; x++)
                from.Slice(3 * Mirror(x - padding, Width), 3).CopyTo(to[(3 * x)..]);
        }
        return padded;

        static int Mirror(int i, int n) =>
            i < 0 ? -i
            : i >= n ? 2 * (n - 1) - i
            : i;
    }

    /// <summary>More black pixels on every side.</summary>
    public Image PadBlack(int padding)
    {
        var padded = new Image(Width + 2 * padding, Height + 2 * padding);
        padded.Pixels.Clear();
        for (int y = 0; y < Height; y++)
            Row(y).CopyTo(padded.Row(padding + y)[(3 * padding)..]);
        return padded;
    }

    // A box of the `columns` x `rows` pixels that begin at a byte: by libpatchkit, or, where it is absent, by the same
    // arithmetic in C#.
    private unsafe Image Resized(
        int start,
        int columns,
        int rows,
        (float Left, float Top, float Right, float Bottom) box,
        int width,
        int height,
        ResizeFilter filter
    )
    {
        var resized = new Image(width, height);
        try
        {
            if (filter is not (ResizeFilter.Bilinear or ResizeFilter.Bicubic))
                throw new ArgumentException(
                    $"an image cannot be resized with filter {(int)filter}; bilinear "
                        + $"is {(int)ResizeFilter.Bilinear} and bicubic {(int)ResizeFilter.Bicubic}."
                );
            if (
                !(
                    box.Left >= 0
                    && box.Top >= 0
                    && box.Right <= columns
                    && box.Bottom <= rows
                    && box.Left < box.Right
                    && box.Top < box.Bottom
                )
            )
                throw new ArgumentException(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"the box from column {box.Left} to {box.Right}, row {box.Top} to {box.Bottom} is "
                            + $"not inside the image of {columns} x {rows} pixels."
                    )
                );
            var pixels = Pixels[start..];
            if (!ImageLibrary.Present)
            {
                PillowResize.Run(pixels, columns, rows, Colours * Width, box, resized, filter);
                return resized;
            }
            float* edges = stackalloc float[] { box.Left, box.Top, box.Right, box.Bottom };
            fixed (
                byte* from = pixels,
                    to = resized.Pixels
            )
                if (
                    ImageLibrary.Resize(from, columns, rows, Colours * Width, edges, to, width, height, (int)filter) < 0
                )
                    throw new ArgumentException($"An image of {columns} x {rows} pixels {ImageLibrary.Sentence}");
            return resized;
        }
        catch
        {
            resized.Dispose();
            throw;
        }
        finally
        {
            GC.KeepAlive(this);
        }
    }

    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    private readonly struct Rgb
    {
        private readonly byte _red,
            _green,
            _blue;
    }

    private void Inside(CropBox box)
    {
        if (
            box.Top < 0
            || box.Left < 0
            || box.Height < 1
            || box.Width < 1
            || box.Top > Height - box.Height
            || box.Left > Width - box.Width
        )
            throw new ArgumentException(
                $"the box of {box.Width} x {box.Height} pixels at column {box.Left}, row {box.Top} is not "
                    + $"inside the image of {Width} x {Height}."
            );
    }
}
