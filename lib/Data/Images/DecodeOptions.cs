namespace PatchKit.Data.Images;

/// <summary>
/// How image files become RGB pixels. The defaults give Pillow's <c>convert("RGB")</c>, turned upright; but grey of 16
/// bits is scaled as colour of 16 bits is, where Pillow clips it at 255 and nearly all becomes white.
/// </summary>
public sealed record DecodeOptions
{
    /// <summary>Pillow's limit against decompression bombs: 178,956,970 pixels.</summary>
    public const long PillowLimit = 2L * (1 << 28) / 3;

    /// <summary>
    /// Turned upright by the EXIF orientation; false is what torchvision's loader does, so released weights are scored
    /// that way.
    /// </summary>
    public bool Upright { get; init; } = true;

    /// <summary>
    /// 1, 2, 4 or 8: a JPEG is decoded at this fraction of its size, which is faster but changes pixels. PNGs keep
    /// their size.
    /// </summary>
    public int Scale { get; init; } = 1;

    /// <summary>A file that says it has more pixels is refused before memory is taken for it.</summary>
    public long MaxPixels { get; init; } = PillowLimit;

    /// <summary>The defaults.</summary>
    public static DecodeOptions Default { get; } = new();

    /// <summary>As torchvision's ImageFolder reads: the EXIF orientation is ignored.</summary>
    public static DecodeOptions Official { get; } = new() { Upright = false };
}
