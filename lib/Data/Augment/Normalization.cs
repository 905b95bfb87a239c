using PatchKit.Data.Images;
using PatchKit.Data.Sets;

namespace PatchKit.Data.Augment;

/// <summary>
/// Bytes to numbers around 0: (value / 255 - mean) / deviation, per channel, in single precision as torchvision
/// computes it.
/// </summary>
/// <param name="Mean">red, green, blue.</param>
/// <param name="Deviation">red, green, blue.</param>
public sealed record Normalization(
    (float Red, float Green, float Blue) Mean,
    (float Red, float Green, float Blue) Deviation
)
{
    private readonly float[] _table = Table(Mean, Deviation);

    /// <summary>ImageNet's, which the official code uses for every data set.</summary>
    public static Normalization ImageNet { get; } = new((0.485f, 0.456f, 0.406f), (0.229f, 0.224f, 0.225f));

    /// <summary>That of generated images in files, which `patchkit data generate` writes as 128 + 51 x.</summary>
    public static Normalization Generated { get; } =
        new((128 / 255f, 128 / 255f, 128 / 255f), (51 / 255f, 51 / 255f, 51 / 255f));

    /// <summary>Bytes (H, W, 3) to planes (3, H, W).</summary>
    public void Apply(Image image, Span<float> planes)
    {
        int area = image.Width * image.Height;
        if (planes.Length != 3 * area)
            throw new ArgumentException(
                $"an image of {image.Width} x {image.Height} takes {3 * area} numbers, but there is room "
                    + $"for {planes.Length}."
            );
        ReadOnlySpan<byte> pixels = image.Pixels;
        ReadOnlySpan<float> red = _table.AsSpan(0, 256),
            green = _table.AsSpan(256, 256),
            blue = _table.AsSpan(512, 256);
        Span<float> toRed = planes[..area],
            toGreen = planes.Slice(area, area),
            toBlue = planes.Slice(2 * area, area);
        for (int i = 0, at = 0; i < toRed.Length; i++, at += 3)
        {
            toRed[i] = red[pixels[at]];
            toGreen[i] = green[pixels[at + 1]];
            toBlue[i] = blue[pixels[at + 2]];
        }
    }

    private static float[] Table((float, float, float) mean, (float, float, float) deviation)
    {
        float[] means = [mean.Item1, mean.Item2, mean.Item3],
            deviations = [deviation.Item1, deviation.Item2, deviation.Item3];
        var table = new float[768];
        for (int i = 0; i < 768; i++)
            table[i] = (i % 256 / 255f - means[i / 256]) / deviations[i / 256];
        return table;
    }
}
