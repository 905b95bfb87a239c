namespace PatchKit.Data.Coco;

/// <summary>An object in an image that is being prepared.</summary>
/// <param name="Class">From 0.</param>
/// <param name="Left">The box's left edge in pixels.</param>
/// <param name="Top">Its top edge.</param>
/// <param name="Right">Its right edge, exclusive.</param>
/// <param name="Bottom">Its bottom edge, exclusive.</param>
/// <param name="Mask">(H, W) of the image, row by row: 1 on the object, else 0; the box where its mask is not
/// known.</param>
/// <param name="HasMask">Whether its mask is known.</param>
public sealed record SampleObject(
    int Class,
    float Left,
    float Top,
    float Right,
    float Bottom,
    byte[] Mask,
    bool HasMask = true
);
