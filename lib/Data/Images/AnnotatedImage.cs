namespace PatchKit.Data.Images;

/// <summary>
/// Which way up an image is read that goes with annotations of its own size, drawn by programs of which some turn
/// photographs by EXIF and some do not: upright, as everywhere, unless only the image as it is stored has the
/// annotations' size.
/// </summary>
internal static class AnnotatedImage
{
    /// <summary>How the file is to be decoded; null where neither way has the size.</summary>
    /// <param name="file">the image's file.</param>
    /// <param name="name">what messages call it.</param>
    /// <param name="width">of what the annotations were drawn on.</param>
    /// <param name="height">likewise.</param>
    /// <exception cref="ImageException">The bytes are no image that can be decoded.</exception>
    internal static DecodeOptions? Way(ReadOnlySpan<byte> file, string name, int width, int height)
    {
        foreach (var way in new[] { DecodeOptions.Default, DecodeOptions.Official })
            if (ImageCodec.Size(file, name, way) == (width, height))
                return way;
        return null;
    }

    /// <summary>
    /// "20 x 30 pixels", or "20 x 30 pixels (30 x 20 as stored, before its EXIF orientation turns it)".
    /// </summary>
    internal static string Sizes(ReadOnlySpan<byte> file, string name)
    {
        var (upright, stored) = (ImageCodec.Size(file, name), ImageCodec.Size(file, name, DecodeOptions.Official));
        string before = $" ({stored.Width} x {stored.Height} as stored, before its EXIF orientation turns it)";
        return $"{upright.Width} x {upright.Height} pixels{(upright == stored ? "" : before)}";
    }
}
