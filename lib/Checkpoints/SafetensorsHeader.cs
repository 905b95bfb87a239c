using System.Buffers.Binary;
using System.Text.Json;
using static TorchSharp.torch;

namespace PatchKit.Checkpoints;

/// <summary>
/// The header of a safetensors file: 8 bytes of length, then JSON that says where each tensor lies. Read in place,
/// every claim checked.
/// </summary>
internal static class SafetensorsHeader
{
    internal const int LengthBytes = 8;
    internal const string MetadataKey = "__metadata__";

    // The limit of the format's own implementation.
    private const long LongestHeader = 100_000_000;
    private const int MostDimensions = 64;

    internal static bool IsSafetensors(MappedFile file)
    {
        using var start = file.Look(0, Math.Min(file.Length, LengthBytes + 1), "its beginning");
        return start.Bytes.Length == LengthBytes + 1 && start.Bytes[LengthBytes] == (byte)'{';
    }

    internal static CheckpointFile Read(MappedFile file)
    {
        if (file.Length < LengthBytes)
            throw Wrong(
                file,
                $"is {file.Length} bytes long, which is less than the {LengthBytes} of a safetensors file's "
                    + "first number"
            );
        ulong length;
        using (var first = file.Look(0, LengthBytes, "its header's length"))
            length = BinaryPrimitives.ReadUInt64LittleEndian(first.Bytes);
        if (length > (ulong)(file.Length - LengthBytes))
            throw Wrong(file, $"says its header has {length:N0} bytes, but the whole file has {file.Length:N0}");
        if (length > LongestHeader)
            throw Wrong(file, $"says its header has {length:N0} bytes, where {LongestHeader:N0} are the most");

        var allowance = new Allowance(file.Path, file.Length);
        var metadata = new SortedDictionary<string, string>(StringComparer.Ordinal);
        List<Entry> entries;
        using (var header = file.Look(LengthBytes, (long)length, "its header"))
        {
            try
            {
                entries = Parse(file, header.Bytes, allowance, metadata);
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
            {
                throw new CheckpointException(
                    file.Path,
                    $"has a header that is no JSON of safetensors ({Words.Safe(e.Message)}); it is damaged, "
                        + "so download or save it again.",
                    e
                );
            }
        }
        long start = LengthBytes + (long)length;
        ExpectInOrder(file, entries, file.Length - start, allowance);
        var root = new OrderedDictionary<object, object?>(entries.Count);
        foreach (var entry in entries)
            root.Add(entry.Name, Tensor(file, allowance, entry, start));
        return new CheckpointFile(file, "safetensors", root) { Metadata = metadata };
    }

    private static List<Entry> Parse(
        MappedFile file,
        ReadOnlySpan<byte> json,
        Allowance allowance,
        SortedDictionary<string, string> metadata
    )
    {
        var entries = new List<Entry>();
        var names = new HashSet<string>();
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 8 });
        reader.Read();
        Expect(ref reader, JsonTokenType.StartObject);
        while (Next(ref reader) != JsonTokenType.EndObject)
        {
            allowance.Charge(300 + 4L * reader.ValueSpan.Length);
            string name = reader.GetString()!;
            if (!names.Add(name))
                throw Wrong(file, $"names {Words.Safe(name)} twice in its header");
            Next(ref reader);
            Expect(ref reader, JsonTokenType.StartObject);
            if (name == MetadataKey)
                ParseMetadata(file, ref reader, allowance, metadata);
            else
                entries.Add(ParseEntry(file, ref reader, name));
        }
        // What follows may only be the spaces that align the tensors.
        if (reader.Read())
            throw new JsonException("something follows the header's last brace");
        return entries;
    }

    private static void ParseMetadata(
        MappedFile file,
        ref Utf8JsonReader reader,
        Allowance allowance,
        SortedDictionary<string, string> metadata
    )
    {
        while (Next(ref reader) != JsonTokenType.EndObject)
        {
            allowance.Charge(100 + 2L * reader.ValueSpan.Length);
            string key = reader.GetString()!;
            Next(ref reader);
            Expect(ref reader, JsonTokenType.String);
            allowance.Charge(2L * reader.ValueSpan.Length);
            if (!metadata.TryAdd(key, reader.GetString()!))
                throw Wrong(file, $"names {Words.Safe(key)} twice in its metadata");
        }
    }

    private static Entry ParseEntry(MappedFile file, ref Utf8JsonReader reader, string name)
    {
        string? dtype = null;
        long[]? shape = null,
            offsets = null;
        while (Next(ref reader) != JsonTokenType.EndObject)
        {
            if (reader.ValueTextEquals("dtype"u8) && dtype is null)
            {
                Next(ref reader);
                Expect(ref reader, JsonTokenType.String);
                dtype = reader.ValueSpan.Length <= 64 ? reader.GetString() : "a long text";
            }
            else if (reader.ValueTextEquals("shape"u8) && shape is null)
                shape = Numbers(file, ref reader, name, "shape", MostDimensions);
            else if (reader.ValueTextEquals("data_offsets"u8) && offsets is null)
                offsets = Numbers(file, ref reader, name, "data_offsets", 2);
            else if (
                reader.ValueTextEquals("dtype"u8)
                || reader.ValueTextEquals("shape"u8)
                || reader.ValueTextEquals("data_offsets"u8)
            )
                throw Wrong(file, $"says dtype, shape or data_offsets of {Words.Safe(name)} twice");
            else
            {
                Next(ref reader);
                reader.Skip();
            }
        }
        if (dtype is null || shape is null || offsets is not [long begin, long end])
            throw Wrong(file, $"lacks dtype, shape or data_offsets of {Words.Safe(name)}");
        var element =
            ElementTypes.FromSafetensors(dtype)
            ?? throw new CheckpointException(
                file.Path,
                $"holds {Words.Safe(name)} as {Words.Safe(dtype)}, where PatchKit "
                    + $"reads {ElementTypes.SafetensorsNames}; convert it in Python first, as by tensor.float()."
            );
        return new Entry(name, element, shape, begin, end);
    }

    private static long[] Numbers(MappedFile file, ref Utf8JsonReader reader, string name, string what, int most)
    {
        Next(ref reader);
        Expect(ref reader, JsonTokenType.StartArray);
        Span<long> numbers = stackalloc long[MostDimensions];
        int count = 0;
        while (Next(ref reader) != JsonTokenType.EndArray)
        {
            if (count == most)
                throw Wrong(file, $"gives {what} of {Words.Safe(name)} more than {most} numbers");
            if (
                reader.TokenType != JsonTokenType.Number
                || !reader.TryGetInt64(out numbers[count++])
                || numbers[count - 1] < 0
            )
                throw Wrong(file, $"gives {what} of {Words.Safe(name)} something else than a size");
        }
        return numbers[..count].ToArray();
    }

    // As the format demands: no gaps, no overlaps, and the file ends where the last tensor does.
    private static void ExpectInOrder(MappedFile file, List<Entry> entries, long dataBytes, Allowance allowance)
    {
        allowance.Charge(8L * entries.Count);
        var sorted = entries.ToArray();
        Array.Sort(sorted, (a, b) => (a.Begin, a.End).CompareTo((b.Begin, b.End)));
        long at = 0;
        foreach (var entry in sorted)
        {
            if (entry.End < entry.Begin || entry.End > dataBytes)
                throw Wrong(
                    file,
                    $"puts {Words.Safe(entry.Name)} at bytes {entry.Begin:N0} to {entry.End:N0} of its "
                        + $"data, which has {dataBytes:N0} bytes"
                );
            if (entry.Begin != at)
                throw Wrong(
                    file,
                    $"puts {Words.Safe(entry.Name)} at byte {entry.Begin:N0} of its data, where "
                        + $"byte {at:N0} is next: tensors overlap or leave a gap"
                );
            at = entry.End;
        }
        if (at != dataBytes)
            throw Wrong(file, $"has {dataBytes:N0} bytes of data, but its tensors take {at:N0}");
    }

    private static CheckpointTensor Tensor(MappedFile file, Allowance allowance, Entry entry, long start)
    {
        int size = ElementTypes.Size(entry.DType);
        Int128 numel = 1;
        foreach (long length in entry.Shape)
            numel = numel > long.MaxValue ? numel : numel * length;
        if (numel * size != entry.End - entry.Begin)
            throw Wrong(
                file,
                $"holds {Words.Safe(entry.Name)}, {ElementTypes.TorchName(entry.DType)} "
                    + $"{Words.Shape(entry.Shape.Take(8))}, in {entry.End - entry.Begin:N0} bytes"
            );
        allowance.Charge(entry.End - entry.Begin);
        var storage = new CheckpointStorage(file, entry.Name, entry.DType, (long)numel) { Start = start + entry.Begin };
        return CheckpointTensor.Create(file.Path, allowance, storage, 0, entry.Shape, RowMajor(entry.Shape));
    }

    private static long[] RowMajor(long[] shape)
    {
        var strides = new long[shape.Length];
        long step = 1;
        for (int d = shape.Length - 1; d >= 0; d--)
        {
            strides[d] = step;
            step = (long)Int128.Min((Int128)step * Math.Max(shape[d], 1), long.MaxValue);
        }
        return strides;
    }

    private static JsonTokenType Next(ref Utf8JsonReader reader) =>
        reader.Read() ? reader.TokenType : throw new JsonException("it ends early");

    private static void Expect(ref Utf8JsonReader reader, JsonTokenType type)
    {
        if (reader.TokenType != type)
            throw new JsonException($"{reader.TokenType} stands where {type} belongs");
    }

    private static CheckpointException Wrong(MappedFile file, string found) =>
        new(file.Path, $"{found}; it is cut short or damaged, so download or save it again.");

    private sealed record Entry(string Name, ScalarType DType, long[] Shape, long Begin, long End);
}
