using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace PatchKit.Tests.Checkpoints.Pickle;

/// <summary>Pickles written opcode by opcode, and files around them as torch.save makes them.</summary>
internal sealed class PickleBytes
{
    private readonly MemoryStream _bytes = new();

    internal PickleBytes() => Raw(0x80, 2);

    internal PickleBytes Raw(params ReadOnlySpan<byte> bytes)
    {
        _bytes.Write(bytes);
        return this;
    }

    internal PickleBytes Ops(string opcodes) => Raw(Encoding.Latin1.GetBytes(opcodes));

    internal PickleBytes Global(string module, string name) => Ops($"c{module}\n{name}\n");

    internal PickleBytes Text(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, utf8.Length);
        return Ops("X").Raw(length).Raw(utf8);
    }

    internal PickleBytes Int(long value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        return Raw(0x8a, 8).Raw(bytes);
    }

    internal PickleBytes Tuple(params long[] values)
    {
        Ops("(");
        foreach (long value in values)
            Int(value);
        return Ops("t");
    }

    /// <summary>A tensor over storage "0".</summary>
    internal PickleBytes Tensor(string storage, long elements, long offset, long[] shape, long[] stride) =>
        Global("torch._utils", "_rebuild_tensor_v2")
            .Ops("(")
            .Storage(storage, elements)
            .Int(offset)
            .Tuple(shape)
            .Tuple(stride)
            .Ops("\u0089")
            .Global("collections", "OrderedDict")
            .Ops(")RtR");

    internal PickleBytes Storage(string storage, long elements, string key = "0") =>
        Ops("(").Text("storage").Global("torch", storage).Text(key).Text("cpu").Int(elements).Ops("tQ");

    internal byte[] ToArray() => [.. _bytes.ToArray(), (byte)'.'];

    /// <summary>A zip file of stored entries with this as its pickle.</summary>
    internal byte[] Zip(params (string Name, byte[] Bytes)[] storages) =>
        Zip(
            CompressionLevel.NoCompression,
            [("archive/data.pkl", ToArray()), .. storages.Select(entry => ($"archive/data/{entry.Name}", entry.Bytes))]
        );

    /// <summary>The stream from before 1.6 with this as its object, and no storages.</summary>
    internal byte[] Stream()
    {
        byte[] magic = [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, (byte)'.'];
        return
        [
            .. magic,
            0x80,
            2,
            (byte)'M',
            0xe9,
            3,
            (byte)'.',
            0x80,
            2,
            (byte)'}',
            (byte)'.',
            .. ToArray(),
            0x80,
            2,
            (byte)']',
            (byte)'.',
        ];
    }

    internal static byte[] Zip(CompressionLevel level, params IEnumerable<(string Name, byte[] Bytes)> entries)
    {
        var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, bytes) in entries)
            {
                using var entry = zip.CreateEntry(name, level).Open();
                entry.Write(bytes);
            }
        }
        return stream.ToArray();
    }
}
