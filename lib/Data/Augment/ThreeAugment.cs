using PatchKit.Data.Images;

namespace PatchKit.Data.Augment;

/// <summary>Exactly one of grey, solarized and blurred, each as often (DeiT III, Touvron et al. 2022).</summary>
public static class ThreeAugment
{
    private const int SolarizeThreshold = 128;

    /// <summary>One of the three operations.</summary>
    public enum Kind
    {
        /// <summary>Grey in all channels.</summary>
        Grayscale,

        /// <summary>Values from 128 on inverted.</summary>
        Solarize,

        /// <summary>A Gaussian blur of radius 0.1 to 2.</summary>
        Blur,
    }

    /// <summary>An operation; the radius is used by the blur.</summary>
    public static (Kind Kind, double Radius) Draw(ref SampleRandom random) =>
        ((Kind)random.Below(3), random.Uniform(0.1, 2));

    /// <summary>The operation, applied.</summary>
    public static Image Apply(Image image, Kind kind, double radius) =>
        kind switch
        {
            Kind.Grayscale => Tone.Grayscale(image),
            Kind.Solarize => Tone.Solarize(image, SolarizeThreshold),
            _ => Blur.Gaussian(image, radius),
        };
}
