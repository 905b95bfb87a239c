using PatchKit.Data.Images;

namespace PatchKit.Data.Augment;

/// <summary>
/// What an image is trained on, in the official order: crop, flip, ThreeAugment and colour jitter or else RandAugment,
/// normalisation, erasing.
/// </summary>
/// <param name="Size">the side of the result.</param>
public sealed record TrainTransform(int Size) : IImageTransform
{
    /// <summary>The area that a random resized crop takes, as a fraction of the image's.</summary>
    public (double Low, double High) CropScale { get; init; } = (0.08, 1);

    /// <summary>How the random resized crop is resized.</summary>
    public ResizeFilter Filter { get; init; } = ResizeFilter.Bicubic;

    /// <summary>The simple random crop in place of the random resized one; null for the latter.</summary>
    public SimpleRandomCrop? SimpleCrop { get; init; }

    /// <summary>How often the image is mirrored.</summary>
    public double Flip { get; init; } = 0.5;

    /// <summary>Whether exactly one of grey, solarized and blurred is applied.</summary>
    public bool ThreeAugment { get; init; }

    /// <summary>Brightness, contrast and saturation; null for none.</summary>
    public ColorJitter? Jitter { get; init; }

    /// <summary>RandAugment; null for none.</summary>
    public RandAugment? RandAugment { get; init; }

    /// <summary>Erasing; null for none.</summary>
    public RandomErasing? Erasing { get; init; }

    /// <summary>Bytes to numbers.</summary>
    public Normalization Normalization { get; init; } = Normalization.ImageNet;

    /// <summary>
    /// Adventurer's stages 1 and 2 (--ThreeAugment, which replaces all else: no RandAugment, no erasing).
    /// </summary>
    /// <param name="size">the side of the result.</param>
    /// <param name="simpleCrop">--src.</param>
    public static TrainTransform WithThreeAugment(int size, bool simpleCrop = false) =>
        new(size)
        {
            ThreeAugment = true,
            Jitter = new ColorJitter(),
            SimpleCrop = simpleCrop ? new SimpleRandomCrop(size) : null,
        };

    /// <summary>
    /// DeiT's, and with erasing 0 Adventurer's stage 3: RandAugment without colour jitter. Up to 32 pixels the crop is
    /// a shift by at most 4.
    /// </summary>
    /// <param name="size">the side of the result.</param>
    /// <param name="erasing">the probability of erasing: DeiT's 0.25, 0 in stage 3.</param>
    public static TrainTransform WithRandAugment(int size, double erasing = 0.25) =>
        new(size)
        {
            RandAugment = new RandAugment(),
            Erasing = erasing > 0 ? new RandomErasing(erasing) : null,
            SimpleCrop = size <= 32 ? new SimpleRandomCrop(size) { Reflect = false, Filter = null } : null,
        };

    /// <inheritdoc/>
    public void Apply(Image image, Span<float> planes, ref SampleRandom random)
    {
        var current = Crop(image, ref random);
        if (random.Chance(Flip))
            Replace(ref current, current.FlipHorizontal());
        if (ThreeAugment)
        {
            var (kind, radius) = Augment.ThreeAugment.Draw(ref random);
            Replace(ref current, Augment.ThreeAugment.Apply(current, kind, radius));
        }
        if (Jitter is { } jitter)
            Replace(ref current, ColorJitter.Apply(current, jitter.Draw(ref random)));
        if (RandAugment is { } augment)
            Replace(ref current, augment.Apply(current, ref random));
        Normalization.Apply(current, planes);
        current.Dispose();
        if (Erasing?.Draw(Size, Size, ref random) is { } box)
            RandomErasing.Apply(planes, Size, Size, box, ref random);
    }

    private Image Crop(Image image, ref SampleRandom random)
    {
        if (SimpleCrop is not { } simple)
        {
            var crop = new RandomResizedCrop(Size) { Scale = CropScale, Filter = Filter };
            return crop.Apply(image, crop.Draw(image.Width, image.Height, ref random));
        }
        using var padded = simple.Prepare(image);
        var (top, left) = simple.Draw(padded.Width, padded.Height, ref random);
        return padded.Crop(new CropBox(top, left, Size, Size));
    }

    private static void Replace(ref Image current, Image next)
    {
        current.Dispose();
        current = next;
    }
}
