using PatchKit.Data.Images;
using PatchKit.Display.Formatting;

namespace PatchKit.Display.Pictures;

/// <summary>Pixels of three bytes.</summary>
internal static class Pixels
{
    internal static byte[] Png(ReadOnlySpan<byte> pixels, int width, int height)
    {
        using var image = new Image(width, height, pixels);
        return ImageCodec.EncodePng(image, 9);
    }

    /// <summary>A matrix in a map's colours, (H, W, 3); NaN in grey.</summary>
    internal static byte[] Coloured(double[,] values, ColourScale colours, bool upward = false, bool leftward = false)
    {
        int rows = values.GetLength(0),
            columns = values.GetLength(1);
        var pixels = new byte[3 * rows * columns];
        for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++)
        {
            double value = values[upward ? rows - 1 - i : i, leftward ? columns - 1 - j : j];
            Set(pixels, i * columns + j, double.IsNaN(value) ? ((byte)128, (byte)128, (byte)128) : colours.At(value));
        }
        return pixels;
    }

    internal static void Set(Span<byte> pixels, int index, (byte Red, byte Green, byte Blue) colour) =>
        (pixels[3 * index], pixels[3 * index + 1], pixels[3 * index + 2]) = (colour.Red, colour.Green, colour.Blue);

    internal static void Blend(Span<byte> pixels, int index, (byte Red, byte Green, byte Blue) colour, double opacity)
    {
        var at = pixels.Slice(3 * index, 3);
        (at[0], at[1], at[2]) = (Mix(at[0], colour.Red), Mix(at[1], colour.Green), Mix(at[2], colour.Blue));

        byte Mix(byte below, byte above) => (byte)Math.Round(below + opacity * (above - below));
    }

    /// <summary>Each pixel as a square of its own, so that nothing is smoothed.</summary>
    internal static byte[] Enlarged(ReadOnlySpan<byte> pixels, int width, int height, int zoom)
    {
        var large = new byte[pixels.Length * zoom * zoom];
        for (int y = 0; y < height * zoom; y++)
        for (int x = 0; x < width * zoom; x++)
            pixels.Slice(3 * (y / zoom * width + x / zoom), 3).CopyTo(large.AsSpan(3 * (y * width * zoom + x)));
        return large;
    }
}
