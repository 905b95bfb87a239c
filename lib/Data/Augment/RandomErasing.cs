using PatchKit.Data.Images;

namespace PatchKit.Data.Augment;

/// <summary>
/// A rectangle of normal noise in place of the normalised pixels (Zhong et al. 2020; timm's "pixel" mode).
/// </summary>
/// <param name="Probability">how often an image loses one; the official default is 0.25, and 0 in every Adventurer
/// stage.</param>
public sealed record RandomErasing(double Probability = 0.25)
{
    private const int Attempts = 10;

    /// <summary>The rectangle's area as a fraction of the image's, uniform.</summary>
    public (double Low, double High) Area { get; init; } = (0.02, 1.0 / 3);

    /// <summary>Its height over its width, uniform in the logarithm.</summary>
    public (double Low, double High) Ratio { get; init; } = (0.3, 1 / 0.3);

    /// <summary>A rectangle, or null where the image stays whole.</summary>
    public CropBox? Draw(int width, int height, ref SampleRandom random)
    {
        if (Probability <= 0 || !random.Chance(Probability))
            return null;
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            double area = random.Uniform(Area.Low, Area.High) * width * height,
                aspect = Math.Exp(random.Uniform(Math.Log(Ratio.Low), Math.Log(Ratio.High)));
            int h = (int)Math.Round(Math.Sqrt(area * aspect)),
                w = (int)Math.Round(Math.Sqrt(area / aspect));
            if (w < width && h < height)
                return new CropBox(random.Below(height - h + 1), random.Below(width - w + 1), h, w);
        }
        return null;
    }

    /// <summary>Fills a rectangle of normalised planes (3, H, W) with noise of mean 0 and variance 1.</summary>
    public static void Apply(Span<float> planes, int width, int height, CropBox box, ref SampleRandom random)
    {
        for (int channel = 0; channel < 3; channel++)
        for (int y = box.Top; y < box.Top + box.Height; y++)
            foreach (ref float value in planes.Slice((channel * height + y) * width + box.Left, box.Width))
                value = (float)random.Normal();
    }
}
