namespace TorchSharp;

public static partial class torch
{
    /// <summary>How <see cref="nn.functional.interpolate"/> fills the pixels of the new size; the numbers are TorchSharp's.</summary>
    public enum InterpolationMode
    {
        /// <summary>The nearest pixel, found by rounding down.</summary>
        Nearest = 0,

        /// <summary>Linear in both directions.</summary>
        Bilinear = 2,

        /// <summary>Cubic convolution in both directions (a = -0.75; a = -0.5 with antialias).</summary>
        Bicubic = 3,
    }
}
