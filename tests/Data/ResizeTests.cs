using PatchKit.Data;
using Xunit;

namespace PatchKit.Tests.Data;

/// <summary>The vectorised resize against its definition, byte for byte, at sizes where rows, taps and columns do not fill a vector.</summary>
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
            if (trial % 3 == 0) foreach (ref byte value in image.Pixels) value = (byte)(value < 128 ? 0 : 255);
            int top = random.Next(image.Height), left = random.Next(image.Width);
            var box = trial % 2 == 0 ? new CropBox(0, 0, image.Height, image.Width) : new CropBox(top, left, 1 + random.Next(image.Height - top), 1 + random.Next(image.Width - left));
            int width = trial % 7 == 0 ? box.Width : Side(), height = trial % 5 == 0 ? box.Height : Side();
            using var cut = image.Crop(box);
            using var actual = image.CropResize(box, width, height, filter);
            Assert.True(Reference(cut, width, height, filter).AsSpan().SequenceEqual(actual.Pixels), $"{box} of {image.Width} x {image.Height} to {width} x {height}");
        }

        int Side() => random.Next(3) switch { 0 => random.Next(1, 10), 1 => random.Next(1, 40), _ => random.Next(1, 200) };
    }

    // libImaging/Resample.c: columns, then rows, each sum rounded to a byte.
    private static byte[] Reference(Image image, int width, int height, ResizeFilter filter)
    {
        byte[] pixels = image.Pixels.ToArray();
        if (width != image.Width) pixels = Pass(pixels, image.Width, width, filter, image.Height, 3 * image.Width, 3, 3 * width, 3);
        return height == image.Height ? pixels : Pass(pixels, image.Height, height, filter, width, 3, 3 * width, 3, 3 * width);
    }

    // Lines of pixels: `line` bytes from one line to the next, `step` from one pixel of a line to the next.
    private static byte[] Pass(byte[] pixels, int inSize, int outSize, ResizeFilter filter, int lines, int line, int step, int outLine, int outStep)
    {
        var result = new byte[3 * lines * outSize];
        double scale = (double)inSize / outSize, wide = Math.Max(scale, 1), support = (filter == ResizeFilter.Bicubic ? 2 : 1) * wide;
        for (int i = 0; i < outSize; i++)
        {
            double centre = (i + 0.5) * scale;
            int first = Math.Max((int)(centre - support + 0.5), 0), count = Math.Min((int)(centre + support + 0.5), inSize) - first;
            double[] exact = [.. Enumerable.Range(0, count).Select(k => Weight((k + first - centre + 0.5) * (1 / wide), filter))];
            double sum = 0;
            foreach (double weight in exact) sum += weight;
            int[] weights = [.. exact.Select(weight => (int)((weight < 0 ? -0.5 : 0.5) + weight / sum * (1 << Precision)))];
            for (int at = 0; at < lines; at++)
            {
                for (int c = 0; c < 3; c++)
                {
                    int value = 1 << (Precision - 1);
                    for (int k = 0; k < count; k++) value += pixels[at * line + (first + k) * step + c] * weights[k];
                    result[at * outLine + i * outStep + c] = (byte)Math.Clamp(value >> Precision, 0, 255);
                }
            }
        }
        return result;
    }

    private static double Weight(double x, ResizeFilter filter)
    {
        x = Math.Abs(x);
        if (filter == ResizeFilter.Bilinear) return x < 1 ? 1 - x : 0;
        return x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
    }
}
