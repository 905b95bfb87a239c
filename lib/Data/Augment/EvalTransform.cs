using PatchKit.Data.Images;

namespace PatchKit.Data.Augment;

/// <summary>
/// What an image is scored on: resized, the middle cut out, normalised. Images of up to 32 pixels that have the size
/// already are taken whole, as in the official code.
/// </summary>
/// <param name="Size">the side of the result.</param>
/// <param name="CropRatio">see <see cref="EvalCrop"/>.</param>
public sealed record EvalTransform(int Size, double CropRatio = 0.875) : IImageTransform
{
    private const int Small = 32;

    /// <summary>Bytes to numbers.</summary>
    public Normalization Normalization { get; init; } = Normalization.ImageNet;

    /// <inheritdoc/>
    public void Apply(Image image, Span<float> planes, ref SampleRandom random)
    {
        if (Size <= Small && image.Width == Size && image.Height == Size)
        {
            Normalization.Apply(image, planes);
            return;
        }
        using var cropped = new EvalCrop(Size, CropRatio).Apply(image);
        Normalization.Apply(cropped, planes);
    }
}
