using PatchKit.Data.Images;

namespace PatchKit.Data.Augment;

/// <summary>
/// Pillow's ImageEnhance, bit for bit: an image blended with a plainer form of itself. Factor 1 changes nothing, 0
/// gives the plain form.
/// </summary>
public static class Enhance
{
    /// <summary>Blended with black.</summary>
    public static Image Brightness(Image image, double factor) => Tone.Map(image, Table(factor, plain: 0));

    /// <summary>Blended with the mean grey of the image.</summary>
    public static Image Contrast(Image image, double factor)
    {
        ReadOnlySpan<byte> pixels = image.Pixels;
        long sum = 0;
        for (int i = 0; i < pixels.Length; i += 3)
            sum += Tone.Luma(pixels[i], pixels[i + 1], pixels[i + 2]);
        return Tone.Map(image, Table(factor, (int)((double)sum / (image.Width * image.Height) + 0.5)));
    }

    /// <summary>Blended with its grey form: saturation, Pillow's Color.</summary>
    public static Image Saturation(Image image, double factor)
    {
        var blended = new Image(image.Width, image.Height);
        ReadOnlySpan<byte> from = image.Pixels;
        var to = blended.Pixels;
        float alpha = (float)factor;
        for (int i = 0; i < from.Length; i += 3)
        {
            int grey = Tone.Luma(from[i], from[i + 1], from[i + 2]);
            to[i] = Blend(grey, from[i], alpha);
            to[i + 1] = Blend(grey, from[i + 1], alpha);
            to[i + 2] = Blend(grey, from[i + 2], alpha);
        }
        return blended;
    }

    /// <summary>
    /// Blended with a smoothed form (3x3: 5 in the middle, 1 around, over 13; edge pixels as they are).
    /// </summary>
    public static Image Sharpness(Image image, double factor)
    {
        var blended = new Image(image.Width, image.Height);
        float alpha = (float)factor;
        const float around = 1 / 13f,
            middle = 5 / 13f;
        int row = 3 * image.Width;
        ReadOnlySpan<byte> from = image.Pixels;
        var to = blended.Pixels;
        for (int y = 0, i = 0; y < image.Height; y++)
        {
            for (int x = 0; x < row; x++, i++)
            {
                int plain = from[i];
                if (y > 0 && y < image.Height - 1 && x >= 3 && x < row - 3)
                {
                    // The order in which Pillow adds.
                    float sum = 0.5f;
                    sum += from[i + row - 3] * around + from[i + row] * around + from[i + row + 3] * around;
                    sum += from[i - 3] * around + from[i] * middle + from[i + 3] * around;
                    sum += from[i - row - 3] * around + from[i - row] * around + from[i - row + 3] * around;
                    plain = sum >= 255 ? 255 : (int)sum;
                }
                to[i] = Blend(plain, from[i], alpha);
            }
        }
        return blended;
    }

    private static Func<int, int> Table(double factor, int plain) => value => Blend(plain, value, (float)factor);

    // Pillow's blend, in single precision as there.
    private static byte Blend(int plain, int value, float alpha)
    {
        if (alpha == 1)
            return (byte)value;
        float mixed = plain + alpha * (value - plain);
        return mixed <= 0 ? (byte)0
            : mixed >= 255 ? (byte)255
            : (byte)mixed;
    }
}
