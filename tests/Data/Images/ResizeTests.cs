using PatchKit.Data.Images;
using Xunit;

namespace PatchKit.Tests.Data.Images;

/// <summary>
/// The vectorised resize against its definition, byte for byte, at sizes where rows, taps and columns do not fill a
/// vector.
/// </summary>
public sealed class ResizeTests
{
    private const int Precision = 22;

    [Theory, InlineData(ResizeFilter.Bicubic), InlineData(ResizeFilter.Bilinear)]
    public void EqualsTheDefinition(ResizeFilter filter)
    {
        var random = new Random(22);
        for (int trial = 0; trial < 300; trial++)
        {
            using var image = new Image(Side(), Side());
            random.NextBytes(image.Pixels);
            if (trial % 3 == 0)
                foreach (ref byte value in image.Pixels)
                    value = (byte)(value < 128 ? 0 : 255);
            int top = random.Next(image.Height),
                left = random.Next(image.Width);
            var box =
                trial % 2 == 0
                    ? new CropBox(0, 0, image.Height, image.Width)
                    : new CropBox(top, left, 1 + random.Next(image.Height - top), 1 + random.Next(image.Width - left));
            int width = trial % 7 == 0 ? box.Width : Side(),
                height = trial % 5 == 0 ? box.Height : Side();
            using var cut = image.Crop(box);
            using var actual = image.CropResize(box, width, height, filter);
            Assert.True(
                Reference(cut, width, height, filter).AsSpan().SequenceEqual(actual.Pixels),
                $"{box} of {image.Width} x {image.Height} to {width} x {height}"
            );
            using var managed = new Image(width, height);
            PillowResize.Run(
                image.Pixels[(3 * (image.Width * box.Top + box.Left))..],
                box.Width,
                box.Height,
                3 * image.Width,
                (0, 0, box.Width, box.Height),
                managed,
                filter
            );
            Assert.True(
                managed.Pixels.SequenceEqual(actual.Pixels),
                $"in C#: {box} of {image.Width} x {image.Height} to {width} x {height}"
            );
        }

        int Side() =>
            random.Next(3) switch
            {
                0 => random.Next(1, 10),
                1 => random.Next(1, 40),
                _ => random.Next(1, 200),
            };
    }

    // Edges within pixels, where the definition above says nothing: the two forms agree.
    [Theory, InlineData(ResizeFilter.Bicubic), InlineData(ResizeFilter.Bilinear)]
    public void BothFormsAgreeOnBoxesWithinPixels(ResizeFilter filter)
    {
        var random = new Random(23);
        for (int trial = 0; trial < 200; trial++)
        {
            using var image = new Image(random.Next(1, 120), random.Next(1, 120));
            random.NextBytes(image.Pixels);
            var (left, right) = Edges(image.Width);
            var (top, bottom) = Edges(image.Height);
            using var native = image.ResizeBox(
                (left, top, right, bottom),
                random.Next(1, 120),
                random.Next(1, 120),
                filter
            );
            using var managed = new Image(native.Width, native.Height);
            PillowResize.Run(
                image.Pixels,
                image.Width,
                image.Height,
                3 * image.Width,
                (left, top, right, bottom),
                managed,
                filter
            );
            Assert.True(
                managed.Pixels.SequenceEqual(native.Pixels),
                $"({left}, {top}, {right}, {bottom}) of {image.Width} x {image.Height} to {native.Width} "
                    + $"x {native.Height}"
            );
        }

        (float, float) Edges(int side)
        {
            float a = (float)random.NextDouble() * side,
                b = (float)random.NextDouble() * side;
            return a < b ? (a, b) : (b, a);
        }
    }

    [Fact]
    public void BoxesOutsideAndUnknownFiltersAreRefused()
    {
        using var image = new Image(4, 3);
        Assert.Contains(
            "column 1 to 5",
            Assert.Throws<ArgumentException>(() => image.ResizeBox((1, 0, 5, 3), 2, 2)).Message
        );
        Assert.Contains("4 x 3", Assert.Throws<ArgumentException>(() => image.ResizeBox((0, 2, 4, 1), 2, 2)).Message);
        Assert.Contains(
            "row NaN",
            Assert.Throws<ArgumentException>(() => image.ResizeBox((0, float.NaN, 4, 1), 2, 2)).Message
        );
        Assert.Contains(
            "filter 7",
            Assert.Throws<ArgumentException>(() => image.Resize(2, 2, (ResizeFilter)7)).Message
        );
    }

    // libImaging/Resample.c: columns, then rows, each sum rounded to a byte.
    private static byte[] Reference(Image image, int width, int height, ResizeFilter filter)
    {
        byte[] pixels = image.Pixels.ToArray();
        if (width != image.Width)
            pixels = Pass(pixels, image.Width, width, filter, image.Height, 3 * image.Width, 3, 3 * width, 3);
        return height == image.Height
            ? pixels
            : Pass(pixels, image.Height, height, filter, width, 3, 3 * width, 3, 3 * width);
    }

    // Lines of pixels: `line` bytes from one line to the next, `step` from one pixel of a line to the next.
    private static byte[] Pass(
        byte[] pixels,
        int inSize,
        int outSize,
        ResizeFilter filter,
        int lines,
        int line,
        int step,
        int outLine,
        int outStep
    )
    {
        var result = new byte[3 * lines * outSize];
        double scale = (double)inSize / outSize,
            wide = Math.Max(scale, 1),
            support = (filter == ResizeFilter.Bicubic ? 2 : 1) * wide;
        for (int i = 0; i < outSize; i++)
        {
            double centre = (i + 0.5) * scale;
            int first = Math.Max((int)(centre - support + 0.5), 0),
                count = Math.Min((int)(centre + support + 0.5), inSize) - first;
            double[] exact =
            [
                .. Enumerable.Range(0, count).Select(k => Weight((k + first - centre + 0.5) * (1 / wide), filter)),
            ];
            double sum = 0;
            foreach (double weight in exact)
                sum += weight;
            int[] weights =
            [
                .. exact.Select(weight => (int)((weight < 0 ? -0.5 : 0.5) + weight / sum * (1 << Precision))),
            ];
            for (int at = 0; at < lines; at++)
            {
                for (int c = 0; c < 3; c++)
                {
                    int value = 1 << (Precision - 1);
                    for (int k = 0; k < count; k++)
                        value += pixels[at * line + (first + k) * step + c] * weights[k];
                    result[at * outLine + i * outStep + c] = (byte)Math.Clamp(value >> Precision, 0, 255);
                }
            }
        }
        return result;
    }

    private static double Weight(double x, ResizeFilter filter)
    {
        x = Math.Abs(x);
        if (filter == ResizeFilter.Bilinear)
            return x < 1 ? 1 - x : 0;
        return x < 1 ? (1.5 * x - 2.5) * x * x + 1
            : x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5
            : 0;
    }
}
