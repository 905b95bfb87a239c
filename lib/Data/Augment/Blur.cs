using System.Buffers;
using PatchKit.Data.Images;

namespace PatchKit.Data.Augment;

/// <summary>
/// Pillow's Gaussian blur: three box blurs each way whose fractional width is fitted to the radius (Gwosdek et al.
/// 2011), in fixed point.
/// </summary>
public static class Blur
{
    private const int Passes = 3;

    /// <summary>Blurs by a standard deviation in pixels.</summary>
    /// <exception cref="ArgumentException">The radius is negative.</exception>
    public static Image Gaussian(Image image, double radius)
    {
        if (!(radius >= 0))
            throw new ArgumentException($"a blur's radius is at least 0, but it is {radius}.");
        float box = BoxRadius((float)radius);
        var blurred = image.Clone();
        int most = Math.Max(image.Width, image.Height);
        var line = ArrayPool<byte>.Shared.Rent(most);
        var result = ArrayPool<byte>.Shared.Rent(most);
        var pixels = blurred.Pixels;
        int row = 3 * image.Width;
        for (int y = 0; y < image.Height; y++)
        for (int channel = 0; channel < 3; channel++)
            Line(pixels[(y * row + channel)..], 3, line.AsSpan(0, image.Width), result, box);
        for (int x = 0; x < row; x++)
            Line(pixels[x..], row, line.AsSpan(0, image.Height), result, box);
        ArrayPool<byte>.Shared.Return(line);
        ArrayPool<byte>.Shared.Return(result);
        return blurred;
    }

    // In single precision, as Pillow computes it.
    private static float BoxRadius(float radius)
    {
        float variance = radius * radius / Passes;
        float length = (float)Math.Sqrt(12.0 * variance + 1.0);
        float whole = (float)Math.Floor((length - 1.0) / 2.0);
        float fraction = (2 * whole + 1) * (whole * (whole + 1) - 3 * variance);
        fraction /= 6 * (variance - (whole + 1) * (whole + 1));
        return whole + fraction;
    }

    // All passes over the pixels first, first + step, ...; beyond the ends lie copies of the end pixels.
    private static void Line(Span<byte> pixels, int step, Span<byte> line, byte[] result, float box)
    {
        int radius = (int)box,
            last = line.Length - 1;
        uint weight = (uint)((1 << 24) / (box * 2 + 1)),
            far = ((1u << 24) - (uint)(radius * 2 + 1) * weight) / 2;
        for (int i = 0, at = 0; i <= last; i++, at += step)
            line[i] = pixels[at];
        for (int pass = 0; pass < Passes; pass++)
        {
            uint sum = line[0] * (uint)(radius + 1); // the window around -1
            for (int i = 0; i < radius; i++)
                sum += line[Math.Min(i, last)];
            for (int i = 0; i <= last; i++)
            {
                sum += line[Math.Min(i + radius, last)];
                sum -= line[Math.Max(i - radius - 1, 0)];
                uint ends = (uint)line[Math.Max(i - radius - 1, 0)] + line[Math.Min(i + radius + 1, last)];
                result[i] = (byte)((sum * weight + ends * far + (1 << 23)) >> 24);
            }
            result.AsSpan(0, line.Length).CopyTo(line);
        }
        for (int i = 0, at = 0; i <= last; i++, at += step)
            pixels[at] = line[i];
    }
}
