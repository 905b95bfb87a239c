using System.Buffers;
using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;
using static TorchSharp.torch;

namespace PatchKit.Checkpoints;

/// <summary>
/// Writes safetensors: larger element types first, then by name, so that every tensor is aligned and the same tensors
/// give the same file.
/// </summary>
internal static class SafetensorsWriter
{
    // Tensor.bytes is a Span, which ends at 2 GiB.
    private const long Piece = 1L << 28;

    internal static void Write(
        string path,
        IEnumerable<Item> tensors,
        IReadOnlyDictionary<string, string>? metadata,
        bool overwrite
    )
    {
        if (!overwrite && File.Exists(path))
            throw new CheckpointException(path, "exists already; choose another name, or ask for it to be replaced.");
        var items = tensors
            .OrderByDescending(item => ElementTypes.Size(item.DType))
            .ThenBy(item => item.Name, StringComparer.Ordinal)
            .ToList();
        byte[] header = Header(path, items, metadata);
        string partial = $"{path}.{Guid.NewGuid():N}.partial";
        try
        {
            using (
                var stream = new FileStream(
                    partial,
                    FileMode.CreateNew,
                    FileAccess.Write,
                    FileShare.None,
                    bufferSize: 0
                )
            )
            {
                stream.Write(header);
                foreach (var item in items)
                    WriteElements(stream, item);
                stream.Flush(flushToDisk: true);
            }
            File.Move(partial, path, overwrite);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException and not CheckpointException)
        {
            throw new CheckpointException(path, $"cannot be written: {e.Message}", e);
        }
        finally
        {
            if (File.Exists(partial))
                File.Delete(partial);
        }
    }

    private static void WriteElements(Stream stream, Item item)
    {
        using var scope = NewDisposeScope();
        var flat = item.Load().detach().cpu().contiguous().view(-1);
        long step = Piece / ElementTypes.Size(item.DType);
        for (long done = 0; done < flat.numel(); done += step)
            stream.Write(flat.narrow(0, done, Math.Min(step, flat.numel() - done)).bytes);
    }

    private static byte[] Header(string path, List<Item> items, IReadOnlyDictionary<string, string>? metadata)
    {
        var json = new ArrayBufferWriter<byte>();
        using (
            var writer = new Utf8JsonWriter(
                json,
                new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }
            )
        )
        {
            writer.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                writer.WriteStartObject(SafetensorsHeader.MetadataKey);
                foreach (var (key, value) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                    writer.WriteString(key, value);
                writer.WriteEndObject();
            }
            long at = 0;
            var names = new HashSet<string>();
            foreach (var item in items)
            {
                if (item.Name == SafetensorsHeader.MetadataKey || !names.Add(item.Name))
                    throw new CheckpointException(
                        path,
                        $"cannot hold two tensors named {Words.Safe(item.Name)}, or one "
                            + $"named {SafetensorsHeader.MetadataKey}; rename it."
                    );
                string dtype =
                    ElementTypes.SafetensorsName(item.DType)
                    ?? throw new CheckpointException(
                        path,
                        $"cannot hold {Words.Safe(item.Name)} of dtype {item.DType}; convert it to one "
                            + $"of {ElementTypes.SafetensorsNames} first."
                    );
                writer.WriteStartObject(item.Name);
                writer.WriteString("dtype", dtype);
                writer.WriteStartArray("shape");
                foreach (long size in item.Shape)
                    writer.WriteNumberValue(size);
                writer.WriteEndArray();
                writer.WriteStartArray("data_offsets");
                writer.WriteNumberValue(at);
                at += item.Shape.Aggregate(1L, (product, size) => product * size) * ElementTypes.Size(item.DType);
                writer.WriteNumberValue(at);
                writer.WriteEndArray();
                writer.WriteEndObject();
            }
            writer.WriteEndObject();
        }
        var header = new byte[(SafetensorsHeader.LengthBytes + json.WrittenCount + 7) / 8 * 8];
        header.AsSpan().Fill((byte)' ');
        BinaryPrimitives.WriteInt64LittleEndian(header, header.Length - SafetensorsHeader.LengthBytes);
        json.WrittenSpan.CopyTo(header.AsSpan(SafetensorsHeader.LengthBytes));
        return header;
    }

    /// <summary>A tensor to be written; what Load returns is disposed when it has been.</summary>
    internal readonly record struct Item(string Name, ScalarType DType, IReadOnlyList<long> Shape, Func<Tensor> Load);
}
