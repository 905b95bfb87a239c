namespace TorchSharp;

public static partial class torch
{
    /// <summary>How <see cref="Modules.Upsample"/> fills the pixels of the new size; the numbers are those of <see cref="InterpolationMode"/>.</summary>
    public enum UpsampleMode
    {
        /// <summary>The nearest pixel, found by rounding down.</summary>
        Nearest = 0,

        /// <summary>Linear in both directions.</summary>
        Bilinear = 2,

        /// <summary>Cubic convolution in both directions.</summary>
        Bicubic = 3,
    }
}
