using PatchKit.Data.Augment;
using PatchKit.Data.Images;

namespace PatchKit.Data.Segmentation;

/// <summary>
/// Photometric distortion (Liu et al. 2016, as mmsegmentation has it): with probability one half each, brightness plus
/// U(-32, 32), contrast times U(.5, 1.5) before or after the others, saturation times U(.5, 1.5), hue plus U(-36, 36)
/// degrees.
/// </summary>
/// <param name="Strength">1 for these ranges, 0 for none.</param>
public sealed record PhotometricDistortion(double Strength = 1)
{
    /// <summary>Distorts an image in place.</summary>
    public void Apply(Image image, ref SampleRandom random)
    {
        double brightness = random.Chance(.5) ? random.Uniform(-32, 32) * Strength : 0;
        bool first = random.Chance(.5);
        double contrast = random.Chance(.5) ? 1 + random.Uniform(-.5, .5) * Strength : 1;
        double saturation = random.Chance(.5) ? 1 + random.Uniform(-.5, .5) * Strength : 1;
        double hue = random.Chance(.5) ? random.Uniform(-36, 36) * Strength : 0;
        var pixels = image.Pixels;
        if (brightness != 0 || (first && contrast != 1))
            Scale(pixels, first ? contrast : 1, brightness * (first ? contrast : 1));
        if (saturation != 1 || hue != 0)
            Turn(pixels, saturation, hue);
        if (!first && contrast != 1)
            Scale(pixels, contrast, 0);
    }

    private static void Scale(Span<byte> pixels, double factor, double offset)
    {
        Span<byte> table = stackalloc byte[256];
        for (int i = 0; i < 256; i++)
            table[i] = (byte)Math.Clamp(Math.Round(i * factor + offset), 0, 255);
        for (int i = 0; i < pixels.Length; i++)
            pixels[i] = table[pixels[i]];
    }

    // Hue in sixths of the circle; value and grey stay.
    private static void Turn(Span<byte> pixels, double saturation, double degrees)
    {
        for (int i = 0; i < pixels.Length; i += 3)
        {
            float red = pixels[i],
                green = pixels[i + 1],
                blue = pixels[i + 2];
            float value = Math.Max(red, Math.Max(green, blue)),
                range = value - Math.Min(red, Math.Min(green, blue));
            if (range == 0)
                continue;
            float sixth =
                value == red ? (green - blue) / range
                : value == green ? 2 + (blue - red) / range
                : 4 + (red - green) / range;
            sixth = (sixth + (float)degrees / 60 + 12) % 6;
            range = Math.Min(range * (float)saturation, value);
            pixels[i] = At(5);
            pixels[i + 1] = At(3);
            pixels[i + 2] = At(1);

            byte At(int n)
            {
                float k = (n + sixth) % 6;
                return (byte)MathF.Round(value - range * Math.Clamp(Math.Min(k, 4 - k), 0, 1));
            }
        }
    }
}
