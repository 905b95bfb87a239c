using System.Buffers.Binary;

namespace PatchKit.Data.Images;

/// <summary>
/// Whether a file is cut short, of the formats whose missing pixels ImageSharp makes up without a word.
/// </summary>
internal static class WholeFile
{
    private const byte Extension = 0x21,
        Picture = 0x2c,
        Trailer = 0x3b;

    /// <summary>What is said of a file that is cut short; null of one that is not.</summary>
    internal static string? Lacks(ReadOnlySpan<byte> file)
    {
        string? format =
            file.StartsWith("GIF8"u8) && !HasGifFrame(file) ? "GIF"
            : file.StartsWith("RIFF"u8)
            && file.Length >= 12
            && BinaryPrimitives.ReadUInt32LittleEndian(file[4..]) > file.Length - 8
                ? "WebP"
            : file.StartsWith("BM"u8) && file.Length >= 54 && BmpPixels(file) is var end && end > file.Length ? "BMP"
            : file.StartsWith((ReadOnlySpan<byte>)[0xff, 0xd8, 0xff]) && !HasJpegEnd(file) ? "JPEG"
            : !HasStrips(file) ? "TIFF"
            : null;
        return format is null
            ? null
            : $"is truncated: the {format} ends after {file.Length} bytes, before its image is complete.";
    }

    // A whole frame: its data are blocks of up to 255 bytes, each after its length, up to one of length 0.
    private static bool HasGifFrame(ReadOnlySpan<byte> file)
    {
        if (file.Length < 13)
            return false;
        for (int at = 13 + Colours(file[10]); at < file.Length; )
        {
            byte kind = file[at];
            if (kind == Trailer)
                return true; // without a frame: the decoder says so
            int data =
                kind == Extension ? at + 2
                : kind == Picture && at + 10 < file.Length ? at + 11 + Colours(file[at + 9])
                : file.Length;
            while (data < file.Length && file[data] != 0)
                data += 1 + file[data];
            if (data >= file.Length)
                return false;
            if (kind == Picture)
                return true;
            at = data + 1;
        }
        return false;

        static int Colours(byte flags) => (flags & 0x80) == 0 ? 0 : 3 << (1 + (flags & 7));
    }

    // Each strip, or tile, from its place as long as the directory says; true of what is no TIFF.
    private static bool HasStrips(ReadOnlySpan<byte> file)
    {
        foreach (
            var (places, lengths) in new[]
            {
                (Tiff.StripPlaces, Tiff.StripLengths),
                (Tiff.TilePlaces, Tiff.TileLengths),
            }
        )
        foreach (var (place, length) in Tiff.Values(file, places).Zip(Tiff.Values(file, lengths)))
            if (place + length > file.Length)
                return false;
        return true;
    }

    // Where the pixels end of a BMP that is not compressed; 0 where that cannot be said.
    private static long BmpPixels(ReadOnlySpan<byte> file)
    {
        long start = BinaryPrimitives.ReadUInt32LittleEndian(file[10..]),
            width = BinaryPrimitives.ReadInt32LittleEndian(file[18..]),
            height = Math.Abs((long)BinaryPrimitives.ReadInt32LittleEndian(file[22..]));
        int bits = BinaryPrimitives.ReadUInt16LittleEndian(file[28..]),
            compression = BinaryPrimitives.ReadInt32LittleEndian(file[30..]);
        return BinaryPrimitives.ReadUInt32LittleEndian(file[14..]) < 40 || compression is 1 or 2 || width < 1
            ? 0
            : start + (width * bits + 31) / 32 * 4 * height;
    }

    // The end marker after the first scan begins, within which no marker can stand by chance.
    private static bool HasJpegEnd(ReadOnlySpan<byte> file)
    {
        int at = 2;
        while (at + 4 <= file.Length && file[at] == 0xff && file[at + 1] != 0xda)
            at += file[at + 1] is 0xff ? 1 : 2 + BinaryPrimitives.ReadUInt16BigEndian(file[(at + 2)..]);
        return at < file.Length && file[at..].LastIndexOf((ReadOnlySpan<byte>)[0xff, 0xd9]) >= 0;
    }
}
