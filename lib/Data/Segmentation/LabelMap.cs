using System.Buffers.Binary;

namespace PatchKit.Data;

/// <summary>The class of each pixel of an image, row by row; <see cref="Ignored"/> where a pixel has none that counts.</summary>
/// <param name="Width">columns.</param>
/// <param name="Height">rows.</param>
/// <param name="Classes">(H, W).</param>
public sealed record LabelMap(int Width, int Height, byte[] Classes)
{
    /// <summary>Marks pixels that neither train nor score a model.</summary>
    public const byte Ignored = 255;

    private static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10];

    /// <summary>
    /// Reads annotations as ADE20K has them: an 8-bit grey PNG, 0 for pixels without a class (reduce_zero_label: they are ignored), and class n as n + 1.
    /// </summary>
    /// <param name="path">the file.</param>
    /// <param name="classes">how many classes there are; 255 in the file is taken for ignored, too.</param>
    /// <exception cref="ImageException">The file is missing, damaged, no 8-bit grey PNG, or has a class that there is none of.</exception>
    public static LabelMap Read(string path, int classes)
    {
        byte[] bytes = Bytes(path);
        CheckKind(path, bytes);
        using var image = ImageCodec.Decode(bytes, path);
        var map = new LabelMap(image.Width, image.Height, new byte[image.Width * image.Height]);
        var pixels = image.Pixels;
        for (int at = 0; at < map.Classes.Length; at++)
        {
            byte label = pixels[3 * at];
            if (label > classes && label != Ignored)
                throw new ImageException(path, $"has label {label} at column {at % map.Width}, row {at / map.Width}, but there are {classes} classes, labelled 1 to {classes}, and 0 for none; name the class in objectInfo, or mend the file.");
            map.Classes[at] = label == 0 ? Ignored : label == Ignored ? Ignored : (byte)(label - 1);
        }
        return map;
    }

    /// <summary>The map as ADE20K writes it: class n as n + 1, 0 for ignored.</summary>
    public byte[] ToPng() => ImageCodec.EncodeGreyPng(Array.ConvertAll(Classes, label => label == Ignored ? (byte)0 : (byte)(label + 1)), Width, Height);

    private static byte[] Bytes(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new ImageException(path, "does not exist, but an image has to have its annotation there; add it, or take the image away.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ImageException(path, $"cannot be read: {e.Message}", e);
        }
    }

    // IHDR is the first chunk: width and height at 16, then bit depth and colour type. Decoding to RGB would hide a mask that is something else.
    private static void CheckKind(string path, byte[] bytes)
    {
        const string wanted = "annotations are 8-bit grey PNGs, whose values are the classes";
        if (bytes.Length == 0) throw new ImageException(path, $"is empty; {wanted}.");
        if (bytes.Length < 26 || !bytes.AsSpan(0, 8).SequenceEqual(Signature)) throw new ImageException(path, $"is no PNG file; {wanted}, which JPEG would blur.");
        var (depth, kind) = (bytes[24], bytes[25]);
        if (BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(8)) != 13 || !bytes.AsSpan(12, 4).SequenceEqual("IHDR"u8)) throw new ImageException(path, "is damaged: it does not begin with its header; fetch it again.");
        if ((depth, kind) == (8, 0)) return;
        string found = kind switch { 0 => $"a {depth}-bit grey PNG", 2 => $"an RGB PNG of {depth} bits", 3 => "a PNG with a palette", 4 => "a grey PNG with transparency", 6 => "an RGB PNG with transparency", _ => "a PNG of an unknown kind" };
        throw new ImageException(path, $"is {found}, but {wanted}; convert it.");
    }
}
