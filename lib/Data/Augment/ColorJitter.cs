using PatchKit.Data.Images;

namespace PatchKit.Data.Augment;

/// <summary>
/// Brightness, contrast and saturation by factors near 1, in random order (torchvision's ColorJitter without hue).
/// </summary>
/// <param name="Strength">factors are uniform from 1 - Strength to 1 + Strength.</param>
public sealed record ColorJitter(double Strength = 0.3)
{
    /// <summary>One of the three operations.</summary>
    public enum Kind
    {
        /// <summary>Towards or away from black.</summary>
        Brightness,

        /// <summary>Towards or away from the mean grey.</summary>
        Contrast,

        /// <summary>Towards or away from grey.</summary>
        Saturation,
    }

    /// <summary>The three operations in the order they are applied.</summary>
    public (Kind Kind, double Factor)[] Draw(ref SampleRandom random)
    {
        var steps = new (Kind Kind, double Factor)[3];
        for (int i = 0; i < 3; i++)
            steps[i] = ((Kind)i, random.Uniform(Math.Max(0, 1 - Strength), 1 + Strength));
        random.Shuffle<(Kind, double)>(steps);
        return steps;
    }

    /// <summary>The operations, one after the other, each rounded to bytes.</summary>
    public static Image Apply(Image image, ReadOnlySpan<(Kind Kind, double Factor)> steps)
    {
        var jittered = image;
        foreach (var (kind, factor) in steps)
        {
            var before = jittered;
            jittered = kind switch
            {
                Kind.Brightness => Enhance.Brightness(before, factor),
                Kind.Contrast => Enhance.Contrast(before, factor),
                _ => Enhance.Saturation(before, factor),
            };
            if (before != image)
                before.Dispose();
        }
        return jittered == image ? image.Clone() : jittered;
    }
}
