using System.Buffers.Binary;

namespace PatchKit.Data.Images;

/// <summary>
/// What a PNG file says of its samples in its first chunk, IHDR: width and height at 16, then bit depth and colour
/// type.
/// </summary>
internal static class PngHeader
{
    internal const int Grey = 0,
        Rgb = 2,
        Palette = 3,
        GreyAlpha = 4,
        RgbAlpha = 6;
    private const int First = 8,
        DepthAt = 24,
        KindAt = 25,
        End = 33;

    private static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10];

    internal static bool IsPng(ReadOnlySpan<byte> file) => file.StartsWith(Signature);

    /// <summary>Whether the file begins with its header, as a PNG must.</summary>
    internal static bool IsWhole(ReadOnlySpan<byte> file) =>
        IsPng(file)
        && file.Length >= End
        && BinaryPrimitives.ReadInt32BigEndian(file[First..]) == 13
        && file.Slice(First + 4, 4).SequenceEqual("IHDR"u8);

    /// <summary>Bits of a sample; null of what is no PNG.</summary>
    internal static int? Depth(ReadOnlySpan<byte> file) => IsWhole(file) ? file[DepthAt] : null;

    /// <summary>The colour type; null of what is no PNG.</summary>
    internal static int? Kind(ReadOnlySpan<byte> file) => IsWhole(file) ? file[KindAt] : null;

    /// <summary>
    /// The same samples called grey, so that a decoder gives the indices of a palette instead of its colours: value v
    /// of d bits as 255 / (2^d - 1) v.
    /// </summary>
    internal static byte[] AsGrey(ReadOnlySpan<byte> file)
    {
        var grey = new List<byte>(file.Length);
        grey.AddRange(file[..End]);
        grey[KindAt] = Grey;
        var sum = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(sum, Crc([.. grey[(First + 4)..(End - 4)]]));
        for (int i = 0; i < 4; i++)
            grey[End - 4 + i] = sum[i];
        for (int at = End; at + 12 <= file.Length; )
        {
            long length = 12 + (long)BinaryPrimitives.ReadUInt32BigEndian(file[at..]);
            var chunk = file.Slice(at, (int)Math.Min(length, file.Length - at));
            if (!chunk[4..8].SequenceEqual("PLTE"u8) && !chunk[4..8].SequenceEqual("tRNS"u8))
                grey.AddRange(chunk);
            at += chunk.Length;
        }
        return [.. grey];
    }

    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in bytes)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc & 1) != 0 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
        }
        return ~crc;
    }
}
