using PatchKit.Data.Images;

namespace PatchKit.Data.Augment;

/// <summary>
/// What an image is scored on: its shorter side resized to Size / Ratio, the square in the middle cut out
/// (torchvision's Resize and CenterCrop).
/// </summary>
/// <param name="Size">the side of the result.</param>
/// <param name="Ratio">the square's side over the resized shorter side; the official default is 0.875, and its README
/// scores 224 with 1.0.</param>
public sealed record EvalCrop(int Size, double Ratio = 0.875)
{
    /// <summary>How the image is resized.</summary>
    public ResizeFilter Filter { get; init; } = ResizeFilter.Bicubic;

    /// <summary>The square.</summary>
    public Image Apply(Image image)
    {
        if (!(Ratio > 0))
            throw new ArgumentException(
                $"an evaluation crop ratio is above 0, but it is {Ratio}; the official ones are 0.875 and 1.0."
            );
        using var resized = ResizeShorter(image, (int)(Size / Ratio), Filter);
        return resized.CropCentre(Size);
    }

    /// <summary>The image resized so that its shorter side has a length.</summary>
    internal static Image ResizeShorter(Image image, int size, ResizeFilter filter)
    {
        int shorter = Math.Min(image.Width, image.Height),
            longer = (int)(size * (long)Math.Max(image.Width, image.Height) / (double)shorter);
        if (shorter == size)
            return image.Clone();
        return image.Width <= image.Height ? image.Resize(size, longer, filter) : image.Resize(longer, size, filter);
    }
}
