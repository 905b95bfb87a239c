namespace TorchSharp;

/// <summary>What lies beyond the border of an input.</summary>
public enum PaddingModes
{
    /// <summary>Zeros.</summary>
    Zeros = 0,

    /// <summary>The input mirrored, its border elements not repeated.</summary>
    Reflect = 1,

    /// <summary>The border elements repeated.</summary>
    Replicate = 2,

    /// <summary>The input from its other end.</summary>
    Circular = 3,

    /// <summary>A given constant.</summary>
    Constant = 4,
}
