using PatchKit.Data.Images;

namespace PatchKit.Data.Augment;

/// <summary>
/// A box of random area and shape, resized to a square (Szegedy et al. 2015; timm 0.4.12 and torchvision).
/// </summary>
/// <param name="Size">the side of the result.</param>
public sealed record RandomResizedCrop(int Size)
{
    private const int Attempts = 10;

    /// <summary>The box's area as a fraction of the image's, uniform.</summary>
    public (double Low, double High) Scale { get; init; } = (0.08, 1);

    /// <summary>The box's width over its height, uniform in the logarithm.</summary>
    public (double Low, double High) Ratio { get; init; } = (3.0 / 4, 4.0 / 3);

    /// <summary>How the box is resized.</summary>
    public ResizeFilter Filter { get; init; } = ResizeFilter.Bicubic;

    /// <summary>
    /// A box for an image; after ten boxes that do not fit, the largest one in the middle of an allowed shape.
    /// </summary>
    public CropBox Draw(int width, int height, ref SampleRandom random)
    {
        double area = (double)width * height;
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            double wanted = area * random.Uniform(Scale.Low, Scale.High),
                aspect = Math.Exp(random.Uniform(Math.Log(Ratio.Low), Math.Log(Ratio.High)));
            int w = (int)Math.Round(Math.Sqrt(wanted * aspect)),
                h = (int)Math.Round(Math.Sqrt(wanted / aspect));
            if (w >= 1 && h >= 1 && w <= width && h <= height)
                return new CropBox(random.Below(height - h + 1), random.Below(width - w + 1), h, w);
        }
        double shape = (double)width / height;
        int cutWidth = shape > Ratio.High ? (int)Math.Round(height * Ratio.High) : width,
            cutHeight = shape < Ratio.Low ? (int)Math.Round(width / Ratio.Low) : height;
        return new CropBox((height - cutHeight) / 2, (width - cutWidth) / 2, cutHeight, cutWidth);
    }

    /// <summary>The box, resized.</summary>
    public Image Apply(Image image, CropBox box) => image.CropResize(box, Size, Size, Filter);
}
