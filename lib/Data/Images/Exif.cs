using System.Buffers.Binary;

namespace PatchKit.Data;

/// <summary>The orientation in a TIFF block, which EXIF is, as lib/Native/images/orientation.cpp finds it.</summary>
internal static class Exif
{
    private const int Directory = 4, Entry = 12, OrientationTag = 0x0112, Short = 3;

    /// <summary>1 to 8; 1 where there is none, or the block is damaged.</summary>
    internal static int Orientation(ReadOnlySpan<byte> tiff)
    {
        if (tiff.Length < 8 || !(tiff[0] == tiff[1] && tiff[0] is (byte)'I' or (byte)'M')) return 1;
        bool little = tiff[0] == 'I';
        long at = Number(tiff, Directory, 4, little);
        if (at > tiff.Length - 2) return 1;
        long entries = Number(tiff, (int)at, 2, little);
        for (at += 2; entries > 0 && at <= tiff.Length - Entry; at += Entry, entries--)
            if (Number(tiff, (int)at, 2, little) == OrientationTag)
                return Number(tiff, (int)at + 2, 2, little) == Short && Number(tiff, (int)at + 8, 2, little) is >= 1 and <= 8 and var found ? (int)found : 1;
        return 1;
    }

    private static long Number(ReadOnlySpan<byte> from, int at, int bytes, bool little) => (bytes, little) switch
    {
        (2, true) => BinaryPrimitives.ReadUInt16LittleEndian(from[at..]),
        (2, false) => BinaryPrimitives.ReadUInt16BigEndian(from[at..]),
        (_, true) => BinaryPrimitives.ReadUInt32LittleEndian(from[at..]),
        _ => BinaryPrimitives.ReadUInt32BigEndian(from[at..]),
    };
}
