namespace PatchKit.Data;

/// <summary>
/// The four scales at which a generated image carries evidence, coarse to fine; each is one bit of its class.
/// </summary>
[Flags]
public enum DetailScales
{
    /// <summary>No evidence at all: every image is of class 0.</summary>
    None = 0,

    /// <summary>The finest: the sign of the third moment of single pixels' brightness.</summary>
    Speck = 1,

    /// <summary>Single pixels: the plane of colour along which they vary.</summary>
    Fleck = 2,

    /// <summary>Cells of 5 x 5 pixels: the axis of colour along which they vary.</summary>
    Blotch = 4,

    /// <summary>The whole object: a wide ellipse (0) or a tall one (1).</summary>
    Shape = 8,

    /// <summary>All four: 16 classes.</summary>
    All = Shape | Blotch | Fleck | Speck,
}
