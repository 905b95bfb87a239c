using PatchKit.Data.Images;
using PatchKit.Torch;

namespace PatchKit.Data.Augment;

/// <summary>
/// RandAugment (Cubuk et al. 2020) as timm 0.4.12 has it under "rand-m9-mstd0.5-inc1": two operations drawn with
/// replacement from 15, each applied half the time, with magnitudes around 9 of 10.
/// </summary>
/// <param name="Magnitude">the mean magnitude, 0 to 10.</param>
/// <param name="Deviation">its standard deviation.</param>
public sealed record RandAugment(double Magnitude = 9, double Deviation = 0.5)
{
    /// <summary>How many operations are drawn.</summary>
    public int Count { get; init; } = 2;

    /// <summary>How often a drawn operation is applied.</summary>
    public double Probability { get; init; } = 0.5;

    /// <summary>The colour of pixels from outside the image.</summary>
    public (byte Red, byte Green, byte Blue) Fill { get; init; } = Warp.ImageNetFill;

    /// <summary>One of the 15 operations; the "increasing" ones get stronger with the magnitude.</summary>
    public enum Kind
    {
        /// <summary>Each channel stretched to 0..255.</summary>
        AutoContrast,

        /// <summary>Each channel's values spread evenly.</summary>
        Equalize,

        /// <summary>Values inverted.</summary>
        Invert,

        /// <summary>Up to 30 degrees.</summary>
        Rotate,

        /// <summary>4 to 0 bits kept.</summary>
        PosterizeIncreasing,

        /// <summary>Inverted from a threshold of 256 to 0 on.</summary>
        SolarizeIncreasing,

        /// <summary>Up to 110 added to dark values.</summary>
        SolarizeAdd,

        /// <summary>Saturation by 1 +- 0.9.</summary>
        ColorIncreasing,

        /// <summary>Contrast by 1 +- 0.9.</summary>
        ContrastIncreasing,

        /// <summary>Brightness by 1 +- 0.9.</summary>
        BrightnessIncreasing,

        /// <summary>Sharpness by 1 +- 0.9.</summary>
        SharpnessIncreasing,

        /// <summary>Slanted by up to 0.3.</summary>
        ShearX,

        /// <summary>Slanted by up to 0.3.</summary>
        ShearY,

        /// <summary>Moved by up to 0.45 of the width.</summary>
        TranslateXRel,

        /// <summary>Moved by up to 0.45 of the height.</summary>
        TranslateYRel,
    }

    /// <summary>The operations to apply, with their arguments.</summary>
    public (Kind Kind, double Argument)[] Draw(ref SampleRandom random)
    {
        var kinds = new Kind[Count];
        for (int i = 0; i < Count; i++)
            kinds[i] = (Kind)random.Below(15);
        List<(Kind, double)> steps = [];
        foreach (var kind in kinds)
        {
            if (!random.Chance(Probability))
                continue;
            double magnitude = Math.Clamp(random.Normal(Magnitude, Deviation), 0, 10);
            steps.Add((kind, Argument(kind, magnitude, negative: random.Chance(0.5))));
        }
        return [.. steps];
    }

    /// <summary>
    /// What a magnitude of 0 to 10 means to an operation: degrees, bits, a threshold, a factor or a fraction; 0 where
    /// it takes none.
    /// </summary>
    /// <param name="kind">the operation.</param>
    /// <param name="magnitude">0 to 10.</param>
    /// <param name="negative">the other direction, for operations that have two.</param>
    public static double Argument(Kind kind, double magnitude, bool negative)
    {
        double level = magnitude / 10,
            sign = negative ? -1 : 1;
        return kind switch
        {
            Kind.Rotate => sign * level * 30,
            Kind.PosterizeIncreasing => 4 - (int)(level * 4),
            Kind.SolarizeIncreasing => 256 - (int)(level * 256),
            Kind.SolarizeAdd => (int)(level * 110),
            Kind.ColorIncreasing or Kind.ContrastIncreasing or Kind.BrightnessIncreasing or Kind.SharpnessIncreasing =>
                1 + sign * (level * 0.9),
            Kind.ShearX or Kind.ShearY => sign * level * 0.3,
            Kind.TranslateXRel or Kind.TranslateYRel => sign * level * 0.45,
            _ => 0,
        };
    }

    /// <summary>One operation.</summary>
    public static Image Apply(Image image, Kind kind, double argument, (byte, byte, byte) fill) =>
        kind switch
        {
            Kind.AutoContrast => Tone.AutoContrast(image),
            Kind.Equalize => Tone.Equalize(image),
            Kind.Invert => Tone.Invert(image),
            Kind.Rotate => Warp.Rotate(image, argument, fill),
            Kind.PosterizeIncreasing => Tone.Posterize(image, (int)argument),
            Kind.SolarizeIncreasing => Tone.Solarize(image, (int)argument),
            Kind.SolarizeAdd => Tone.SolarizeAdd(image, (int)argument),
            Kind.ColorIncreasing => Enhance.Saturation(image, argument),
            Kind.ContrastIncreasing => Enhance.Contrast(image, argument),
            Kind.BrightnessIncreasing => Enhance.Brightness(image, argument),
            Kind.SharpnessIncreasing => Enhance.Sharpness(image, argument),
            Kind.ShearX => Warp.ShearX(image, argument, fill),
            Kind.ShearY => Warp.ShearY(image, argument, fill),
            Kind.TranslateXRel => Warp.TranslateX(image, argument, fill),
            Kind.TranslateYRel => Warp.TranslateY(image, argument, fill),
            _ => throw new ArgumentOutOfRangeException(nameof(kind), $"RandAugment has no operation {kind}."),
        };

    /// <summary>Draws and applies.</summary>
    public Image Apply(Image image, ref SampleRandom random)
    {
        var current = image;
        foreach (var (kind, argument) in Draw(ref random))
        {
            var before = current;
            current = Apply(before, kind, argument, Fill);
            if (before != image)
                before.Dispose();
        }
        return current == image ? image.Clone() : current;
    }
}
