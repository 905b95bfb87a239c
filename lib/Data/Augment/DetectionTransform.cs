using PatchKit.Data.Coco;

namespace PatchKit.Data.Augment;

/// <summary>
/// What an image with objects is trained or tested on: its size, large-scale jitter, and a flip. Pixels, boxes and
/// masks move together.
/// </summary>
public sealed record DetectionTransform
{
    /// <summary>The size without jitter; null leaves images as they are.</summary>
    public ShortSideResize? Resize { get; init; } = new();

    /// <summary>
    /// Large-scale jitter in place of <see cref="Resize"/>; null for none. Batches are then padded to its square.
    /// </summary>
    public LargeScaleJitter? Jitter { get; init; }

    /// <summary>How often the image is mirrored.</summary>
    public double Flip { get; init; } = .5;

    /// <summary>Bytes to numbers.</summary>
    public Normalization Normalization { get; init; } = Normalization.ImageNet;

    /// <summary>The training of Table 3: the shorter side 800 pixels, a flip.</summary>
    public static DetectionTransform Training { get; } = new();

    /// <summary>The same without chance.</summary>
    public static DetectionTransform Test { get; } = new() { Flip = 0 };

    /// <summary>Applies it.</summary>
    /// <param name="sample">The image, which is disposed.</param>
    /// <param name="random">The only source of chance.</param>
    public DetectionSample Apply(DetectionSample sample, ref SampleRandom random)
    {
        var current = sample;
        if (Jitter is { } jitter)
        {
            var (height, width) = jitter.Draw(sample.Pixels.Height, sample.Pixels.Width, ref random);
            Replace(ref current, current.Resize(height, width));
            Replace(ref current, current.Crop(jitter.Cut(height, width, ref random)));
        }
        else if (Resize is { } resize)
        {
            var (height, width) = resize.Of(sample.Pixels.Height, sample.Pixels.Width);
            if ((height, width) != (sample.Pixels.Height, sample.Pixels.Width))
                Replace(ref current, current.Resize(height, width));
        }
        if (random.Chance(Flip))
            Replace(ref current, current.Flip());
        return current;
    }

    private static void Replace(ref DetectionSample current, DetectionSample next)
    {
        current.Dispose();
        current = next;
    }
}
