using System.Text.Json;
using System.Text.Json.Serialization;
using PatchKit.Data.Images;

namespace PatchKit.Data.Packed;

/// <summary>The file index.json of a packed set.</summary>
internal sealed record PackedIndex
{
    internal const string FileName = "index.json",
        KnownFormat = "patchkit-packed-1",
        LabelsFile = "labels.bin";

    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    public required string Format { get; init; }

    /// <summary>The side of the square images.</summary>
    public required int Size { get; init; }

    public required int Count { get; init; }

    public required string[] Classes { get; init; }

    /// <summary>The SHA-256 of labels.bin: an int32 per image, little-endian.</summary>
    public required string LabelsSha256 { get; init; }

    public required Shard[] Shards { get; init; }

    /// <summary>The folder that was packed, and how; for people.</summary>
    public required string Source { get; init; }

    /// <summary>Images one after the other, each as planes (3, Size, Size) of bytes.</summary>
    internal sealed record Shard(string File, int Images, string Sha256);

    internal void Save(string path) => File.WriteAllBytes(path, JsonSerializer.SerializeToUtf8Bytes(this, Json));

    internal static PackedIndex Load(string path)
    {
        try
        {
            var index =
                JsonSerializer.Deserialize<PackedIndex>(File.ReadAllBytes(path), Json)
                ?? throw new JsonException("it is null");
            if (index.Format != KnownFormat)
                throw new ImageException(
                    path,
                    $"has the format \"{index.Format}\", but this program reads \"{KnownFormat}\"; pack the set again."
                );
            bool sound =
                index.Size is > 0 and < 16384
                && index.Count > 0
                && index.Shards.All(shard => shard.Images > 0 && Path.GetFileName(shard.File) == shard.File)
                && index.Shards.Sum(shard => (long)shard.Images) == index.Count;
            return sound
                ? index
                : throw new ImageException(
                    path,
                    $"says {index.Count} images of {index.Size} pixels in {index.Shards.Length} shards, "
                        + "which does not add up; pack the set again."
                );
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new ImageException(
                path,
                "does not exist; a packed set is a folder with index.json, labels.bin and shards, made by "
                    + "`patchkit data pack`.",
                e
            );
        }
        catch (JsonException e)
        {
            throw new ImageException(path, $"is no index of a packed set: {e.Message} Pack the set again.", e);
        }
    }
}
