using PatchKit.Data.Images;

namespace PatchKit.Data.Segmentation;

/// <summary>
/// The class of each pixel of an image, row by row; <see cref="Ignored"/> where a pixel has none that counts.
/// </summary>
/// <param name="Width">columns.</param>
/// <param name="Height">rows.</param>
/// <param name="Classes">(H, W).</param>
public sealed record LabelMap(int Width, int Height, byte[] Classes)
{
    /// <summary>Marks pixels that neither train nor score a model.</summary>
    public const byte Ignored = 255;

    /// <summary>
    /// Reads annotations as ADE20K has them: a grey PNG, or one with a palette, whose indices count and not its
    /// colours; 0 for pixels without a class (reduce_zero_label: they are ignored), and class n as n + 1.
    /// </summary>
    /// <param name="path">the file.</param>
    /// <param name="classes">how many classes there are; 255 in the file is taken for ignored, too.</param>
    /// <exception cref="ImageException">The file is missing, damaged, no such PNG, or has a class that there is none
    /// of.</exception>
    public static LabelMap Read(string path, int classes)
    {
        byte[] bytes = Bytes(path);
        CheckKind(path, bytes);
        int depth = PngHeader.Depth(bytes)!.Value,
            step = depth < 8 ? 255 / ((1 << depth) - 1) : 1;
        using var image = ImageCodec.Decode(
            PngHeader.Kind(bytes) == PngHeader.Palette ? PngHeader.AsGrey(bytes) : bytes,
            path
        );
        var map = new LabelMap(image.Width, image.Height, new byte[image.Width * image.Height]);
        var pixels = image.Pixels;
        for (int at = 0; at < map.Classes.Length; at++)
        {
            byte label = (byte)(pixels[3 * at] / step);
            if (label > classes && label != Ignored)
                throw new ImageException(
                    path,
                    $"has label {label} at column {at % map.Width}, row {at / map.Width}, but there "
                        + $"are {classes} classes, labelled 1 to {classes}, and 0 for none; name the class in "
                        + "objectInfo, or mend the file."
                );
            map.Classes[at] =
                label == 0 ? Ignored
                : label == Ignored ? Ignored
                : (byte)(label - 1);
        }
        return map;
    }

    /// <summary>The map as ADE20K writes it: class n as n + 1, 0 for ignored.</summary>
    public byte[] ToPng() =>
        ImageCodec.EncodeGreyPng(
            Array.ConvertAll(Classes, label => label == Ignored ? (byte)0 : (byte)(label + 1)),
            Width,
            Height
        );

    private static byte[] Bytes(string path) =>
        File.Exists(path)
            ? ImageCodec.Bytes(path)
            : throw new ImageException(
                path,
                "does not exist, but an image has to have its annotation there; add it, or take the image away."
            );

    // Decoding to RGB would hide a mask that is something else.
    private static void CheckKind(string path, byte[] bytes)
    {
        const string wanted =
            "annotations are PNGs of up to 8 bits, grey or with a palette, whose values are the classes";
        if (bytes.Length == 0)
            throw new ImageException(path, $"is empty; {wanted}.");
        if (!PngHeader.IsPng(bytes))
            throw new ImageException(path, $"is no PNG file; {wanted}, which JPEG would blur.");
        if (PngHeader.Depth(bytes) is not { } depth || PngHeader.Kind(bytes) is not { } kind)
            throw new ImageException(path, "is damaged: it does not begin with its header; fetch it again.");
        if (kind is PngHeader.Grey or PngHeader.Palette && depth <= 8)
            return;
        string found = kind switch
        {
            PngHeader.Grey => $"a {depth}-bit grey PNG",
            PngHeader.Rgb => $"an RGB PNG of {depth} bits",
            PngHeader.GreyAlpha => "a grey PNG with transparency",
            PngHeader.RgbAlpha => "an RGB PNG with transparency",
            _ => "a PNG of an unknown kind",
        };
        throw new ImageException(path, $"is {found}, but {wanted}; convert it.");
    }
}
