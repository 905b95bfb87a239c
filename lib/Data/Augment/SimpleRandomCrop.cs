using PatchKit.Data.Images;

namespace PatchKit.Data.Augment;

/// <summary>
/// Simple random crop (DeiT III, Touvron et al. 2022): the shorter side is resized, the image padded by 4 pixels and a
/// square cut out at random, so that little of the image is lost. Also the crop of CIFAR-sized images.
/// </summary>
/// <param name="Size">the side of the result.</param>
public sealed record SimpleRandomCrop(int Size)
{
    /// <summary>Pixels added on every side.</summary>
    public int Padding { get; init; } = 4;

    /// <summary>
    /// Whether the padding mirrors the image (SRC) or is black (timm's RandomCrop for inputs of 32 or less).
    /// </summary>
    public bool Reflect { get; init; } = true;

    /// <summary>How the image is resized; null where it is cut as it comes.</summary>
    public ResizeFilter? Filter { get; init; } = ResizeFilter.Bicubic;

    /// <summary>The place of the square in the padded image, from 0 to the room left over.</summary>
    public (int Top, int Left) Draw(int paddedWidth, int paddedHeight, ref SampleRandom random) =>
        (random.Below(paddedHeight - Size + 1), random.Below(paddedWidth - Size + 1));

    /// <summary>The image resized and padded, before the square is cut.</summary>
    /// <exception cref="ArgumentException">Without resizing, the padded image is smaller than the square.</exception>
    public Image Prepare(Image image)
    {
        using var resized = Filter is { } filter ? EvalCrop.ResizeShorter(image, Size, filter) : image.Clone();
        if (resized.Width + 2 * Padding < Size || resized.Height + 2 * Padding < Size)
            throw new ArgumentException(
                $"a square of {Size} pixels does not fit into an image of {image.Width} x {image.Height} "
                    + $"with {Padding} pixels added on every side; resize it first or use a smaller square."
            );
        return Reflect ? resized.PadReflect(Padding) : resized.PadBlack(Padding);
    }
}
