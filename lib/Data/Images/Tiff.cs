using System.Buffers.Binary;

namespace PatchKit.Data.Images;

/// <summary>What the first directory of a TIFF file says.</summary>
internal static class Tiff
{
    internal const int StripPlaces = 273,
        Orientation = 274,
        StripLengths = 279,
        TilePlaces = 324,
        TileLengths = 325;
    private const int Entry = 12,
        Short = 3,
        Long = 4;

    /// <summary>
    /// The numbers of an entry; none where the file is no TIFF, or damaged, or has no such entry of whole numbers.
    /// </summary>
    internal static IReadOnlyList<long> Values(ReadOnlySpan<byte> file, int tag)
    {
        if (file.Length < 8 || !(file[0] == file[1] && file[0] is (byte)'I' or (byte)'M'))
            return [];
        bool little = file[0] == 'I';
        if (Number(file, 2, Short, little) != 42 || Number(file, 4, Long, little) is var at && at > file.Length - 2)
            return [];
        long entries = Number(file, at, Short, little);
        for (at += 2; entries > 0 && at <= file.Length - Entry; at += Entry, entries--)
        {
            if (Number(file, at, Short, little) != tag)
                continue;
            int type = (int)Number(file, at + 2, Short, little),
                size = type == Short ? 2 : 4;
            long count = Number(file, at + 4, Long, little),
                first = count * size <= 4 ? at + 8 : Number(file, at + 8, Long, little);
            if (type is not (Short or Long) || first + count * size > file.Length)
                return [];
            var values = new long[count];
            for (int i = 0; i < values.Length; i++)
                values[i] = Number(file, first + i * size, type, little);
            return values;
        }
        return [];
    }

    private static long Number(ReadOnlySpan<byte> file, long at, int type, bool little) =>
        (type, little) switch
        {
            (Short, true) => BinaryPrimitives.ReadUInt16LittleEndian(file[(int)at..]),
            (Short, false) => BinaryPrimitives.ReadUInt16BigEndian(file[(int)at..]),
            (_, true) => BinaryPrimitives.ReadUInt32LittleEndian(file[(int)at..]),
            _ => BinaryPrimitives.ReadUInt32BigEndian(file[(int)at..]),
        };
}
