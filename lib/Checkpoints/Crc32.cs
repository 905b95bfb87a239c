using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace PatchKit.Checkpoints;

/// <summary>
/// The checksum of zip files, sixteen bytes a step: table k says what a byte does to the sum k bytes later.
/// </summary>
internal static class Crc32
{
    private const int Step = 16;

    private static readonly uint[] Tables = MakeTables();

    /// <summary>The checksum of what came before and these bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static uint Append(uint before, ReadOnlySpan<byte> bytes)
    {
        uint crc = ~before;
        ref uint table = ref MemoryMarshal.GetArrayDataReference(Tables);
        int whole = bytes.Length / Step * Step;
        foreach (var four in MemoryMarshal.Cast<byte, Four>(bytes[..whole]))
            crc =
                Look(ref table, four.A ^ crc, 12)
                ^ Look(ref table, four.B, 8)
                ^ Look(ref table, four.C, 4)
                ^ Look(ref table, four.D, 0);
        foreach (byte value in bytes[whole..])
            crc = Tables[(byte)(crc ^ value)] ^ crc >> 8;
        return ~crc;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Look(ref uint table, uint word, int later) =>
        Unsafe.Add(ref table, (later + 3) * 256 + (byte)word)
        ^ Unsafe.Add(ref table, (later + 2) * 256 + (byte)(word >> 8))
        ^ Unsafe.Add(ref table, (later + 1) * 256 + (byte)(word >> 16))
        ^ Unsafe.Add(ref table, later * 256 + (int)(word >> 24));

    private static uint[] MakeTables()
    {
        var tables = new uint[Step * 256];
        for (uint i = 0; i < 256; i++)
        {
            uint crc = i;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc & 1) != 0 ? crc >> 1 ^ 0xEDB88320 : crc >> 1;
            tables[i] = crc;
        }
        for (int i = 256; i < tables.Length; i++)
            tables[i] = tables[i - 256] >> 8 ^ tables[(byte)tables[i - 256]];
        return tables;
    }

    private readonly record struct Four(uint A, uint B, uint C, uint D);
}
