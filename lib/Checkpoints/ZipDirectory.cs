using System.Buffers.Binary;
using System.Text;

namespace PatchKit.Checkpoints;

/// <summary>
/// The directory of a zip file of stored entries, with 64-bit sizes where the file has them. Entries must lie within
/// the file and apart from each other, so that together they are no larger than it.
/// </summary>
internal sealed class ZipDirectory
{
    private const uint LocalMark = 0x04034b50,
        CentralMark = 0x02014b50,
        EndMark = 0x06054b50,
        End64Mark = 0x06064b50,
        Locator64Mark = 0x07064b50;
    private const int LocalBytes = 30,
        CentralBytes = 46,
        EndBytes = 22,
        Locator64Bytes = 20,
        End64Bytes = 56,
        LongestComment = ushort.MaxValue;

    private readonly MappedFile _file;
    private readonly Dictionary<string, Entry> _entries = [];

    private ZipDirectory(MappedFile file) => _file = file;

    /// <summary>An entry's bytes in the file, and the checksum that the directory gives.</summary>
    internal readonly record struct Entry(long Start, long Bytes, uint Checksum);

    internal IEnumerable<string> Names => _entries.Keys;

    internal static bool IsZip(MappedFile file)
    {
        using var start = file.Look(0, Math.Min(file.Length, 4), "its beginning");
        return start.Bytes.SequenceEqual("PK\x03\x04"u8);
    }

    internal bool Has(string name) => _entries.ContainsKey(name);

    /// <exception cref="CheckpointException">There is no such entry.</exception>
    internal Entry Find(string name) =>
        _entries.TryGetValue(name, out var entry)
            ? entry
            : throw new CheckpointException(
                _file.Path,
                $"has no entry {Words.Safe(name)}, which its pickle refers to; it is damaged, so download "
                    + "or save it again."
            );

    /// <summary>An entry's bytes, checked against its checksum if asked.</summary>
    internal MappedFile.Window Look(string name, bool verify)
    {
        var entry = Find(name);
        var window = _file.Look(entry.Start, entry.Bytes, name);
        if (!verify || Crc32.Append(0, window.Bytes) is var found && found == entry.Checksum)
            return window;
        window.Dispose();
        throw new CheckpointException(
            _file.Path,
            $"has {Words.Safe(name)} with another checksum than its directory says ({entry.Checksum:x8}); "
                + "it is damaged, so download it again. "
                + "(If torch.serialization.set_crc32_options(False) saved it, open it with verify: false, or "
                + "--no-verify.)"
        );
    }

    /// <exception cref="CheckpointException">The directory is absent, damaged, or one that torch.save does not
    /// write.</exception>
    internal static ZipDirectory Read(MappedFile file, Allowance allowance)
    {
        var zip = new ZipDirectory(file);
        var (at, size, count) = zip.FindDirectory();
        using var window = file.Look(at, size, "its zip directory");
        var directory = window.Bytes;
        if (count > directory.Length / CentralBytes)
            throw zip.Damaged($"a directory of {count:N0} entries in {size:N0} bytes");
        allowance.Charge(16 * (long)count);
        var extents = new (long Start, long End)[count];
        for (int i = 0; i < extents.Length; i++)
            extents[i] = zip.Add(ref directory, at, allowance);
        zip.ExpectApart(extents);
        return zip;
    }

    private (long Start, long End) Add(
        scoped ref ReadOnlySpan<byte> directory,
        long directoryStart,
        Allowance allowance
    )
    {
        if (directory.Length < CentralBytes || U32(directory, 0) != CentralMark)
            throw Damaged("a directory that breaks off");
        int nameBytes = U16(directory, 28),
            extraBytes = U16(directory, 30),
            total = CentralBytes + nameBytes + extraBytes + U16(directory, 32);
        if (directory.Length < total)
            throw Damaged("a directory that breaks off");
        allowance.Charge(200 + 2 * nameBytes);
        var rawName = directory.Slice(CentralBytes, nameBytes);
        string name = Encoding.UTF8.GetString(rawName);
        ulong stored = U32(directory, 20),
            size = U32(directory, 24),
            local = U32(directory, 42);
        ReadExtra(directory.Slice(CentralBytes + nameBytes, extraBytes), ref size, ref stored, ref local);
        if ((U16(directory, 8) & 1) != 0)
            throw new CheckpointException(
                _file.Path,
                $"has the encrypted entry {Words.Safe(name)}; torch.save encrypts nothing, so decrypt it first."
            );
        if (U16(directory, 10) != 0 || stored != size)
            throw new CheckpointException(
                _file.Path,
                $"has the compressed entry {Words.Safe(name)} (method {U16(directory, 10)}, {stored:N0} "
                    + $"bytes for {size:N0}); torch.save stores entries as they are, so if it is a checkpoint "
                    + "in a zip file, unpack it first."
            );

        if (local > (ulong)directoryStart || size > (ulong)directoryStart)
            throw Damaged(
                $"the entry {Words.Safe(name)} of {size:N0} bytes at byte {local:N0}, outside "
                    + $"the {directoryStart:N0} bytes before its directory"
            );
        using var header = _file.Look((long)local, LocalBytes, "an entry's header");
        if (U32(header.Bytes, 0) != LocalMark)
            throw Damaged($"no entry at byte {local:N0}, where its directory says {Words.Safe(name)} is");
        using var localName = _file.Look((long)local + LocalBytes, U16(header.Bytes, 26), "an entry's name");
        if (!localName.Bytes.SequenceEqual(rawName))
        {
            string itself = Encoding.UTF8.GetString(localName.Bytes[..Math.Min(localName.Bytes.Length, 200)]);
            throw Damaged(
                $"an entry that its directory calls {Words.Safe(name)} and that calls itself {Words.Safe(itself)}"
            );
        }
        long start = (long)local + LocalBytes + U16(header.Bytes, 26) + U16(header.Bytes, 28),
            end = start + (long)size;
        if (end > directoryStart)
            throw Damaged(
                $"the entry {Words.Safe(name)} of {size:N0} bytes at byte {start:N0}, which runs into its "
                    + $"directory at byte {directoryStart:N0}"
            );
        if (!_entries.TryAdd(name, new Entry(start, (long)size, U32(directory, 16))))
            throw Damaged($"two entries called {Words.Safe(name)}");
        directory = directory[total..];
        return ((long)local, end);
    }

    // Sizes that do not fit 32 bits stand in extra field 1, in this order, each only where it is needed.
    private void ReadExtra(ReadOnlySpan<byte> extra, ref ulong size, ref ulong stored, ref ulong local)
    {
        while (extra.Length >= 4)
        {
            int length = U16(extra, 2);
            if (extra.Length < 4 + length)
                throw Damaged("a directory whose extra fields break off");
            if (U16(extra, 0) == 1)
            {
                var field = extra.Slice(4, length);
                Widen(ref field, ref size);
                Widen(ref field, ref stored);
                Widen(ref field, ref local);
            }
            extra = extra[(4 + length)..];
        }
    }

    private static void Widen(ref ReadOnlySpan<byte> field, ref ulong value)
    {
        if (value != uint.MaxValue || field.Length < 8)
            return;
        value = BinaryPrimitives.ReadUInt64LittleEndian(field);
        field = field[8..];
    }

    private void ExpectApart((long Start, long End)[] extents)
    {
        Array.Sort(extents);
        for (int i = 1; i < extents.Length; i++)
            if (extents[i].Start < extents[i - 1].End)
                throw Damaged($"entries that overlap at byte {extents[i].Start:N0}");
    }

    private (long At, long Size, int Count) FindDirectory()
    {
        long tailBytes = Math.Min(_file.Length, EndBytes + LongestComment + Locator64Bytes);
        using var window = _file.Look(_file.Length - tailBytes, tailBytes, "its end");
        var tail = window.Bytes;
        int end = tail.Length - EndBytes;
        while (end >= 0 && !(U32(tail, end) == EndMark && end + EndBytes + U16(tail, end + 20) == tail.Length))
            end--;
        if (end < 0)
            throw new CheckpointException(
                _file.Path,
                $"is a zip file without its directory, which stands at the end: the {_file.Length:N0} bytes "
                    + "here are cut short or damaged, so download or save it again."
            );
        ulong count = U16(tail, end + 10),
            size = U32(tail, end + 12),
            at = U32(tail, end + 16);
        if (end >= Locator64Bytes && U32(tail, end - Locator64Bytes) == Locator64Mark)
            (at, size, count) = FindDirectory64(
                BinaryPrimitives.ReadUInt64LittleEndian(tail[(end - Locator64Bytes + 8)..])
            );
        if (at > (ulong)_file.Length || size > (ulong)_file.Length - at || count > int.MaxValue)
            throw Damaged($"a directory of {size:N0} bytes at byte {at:N0}, outside its {_file.Length:N0} bytes");
        return ((long)at, (long)size, (int)count);
    }

    private (ulong At, ulong Size, ulong Count) FindDirectory64(ulong at)
    {
        if (at > (ulong)_file.Length)
            throw Damaged($"the end of its directory at byte {at:N0}, outside its {_file.Length:N0} bytes");
        using var window = _file.Look((long)at, End64Bytes, "the end of its directory");
        var end = window.Bytes;
        if (U32(end, 0) != End64Mark)
            throw Damaged($"no end of a directory at byte {at:N0}");
        return (
            BinaryPrimitives.ReadUInt64LittleEndian(end[48..]),
            BinaryPrimitives.ReadUInt64LittleEndian(end[40..]),
            BinaryPrimitives.ReadUInt64LittleEndian(end[32..])
        );
    }

    private CheckpointException Damaged(string found) =>
        new(_file.Path, $"is a zip file with {found}; it is damaged, so download or save it again.");

    private static ushort U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);
}
