using System.Buffers.Binary;
using System.Security.Cryptography;
using PatchKit.Data.Augment;
using PatchKit.Data.Images;
using PatchKit.Data.Sets;

namespace PatchKit.Data.Packed;

/// <summary>
/// Packs a set (`patchkit data pack`): each image's shorter side is resized, its middle square cut out and stored as
/// bytes. The folder appears under its name only when it is complete.
/// </summary>
/// <param name="Size">the side of the stored images.</param>
public sealed record PackedSetWriter(int Size)
{
    private const int Chunk = 256;

    /// <summary>How images are resized.</summary>
    public ResizeFilter Filter { get; init; } = ResizeFilter.Bicubic;

    /// <summary>A shard is closed before it grows beyond this, but holds one image at least.</summary>
    public long ShardBytes { get; init; } = 1L << 28;

    /// <summary>Threads that decode. Files are the same for any number.</summary>
    public int Threads { get; init; } = Math.Max(1, Environment.ProcessorCount);

    /// <summary>Packs all images of a set into a new folder.</summary>
    /// <param name="source">the images.</param>
    /// <param name="folder">the new folder.</param>
    /// <param name="bad">what happens to images that cannot be read; by default they end the packing.</param>
    /// <param name="progress">told how many images are done.</param>
    /// <param name="cancellation">ends the packing; nothing is left behind.</param>
    /// <returns>How many images were packed.</returns>
    /// <exception cref="ImageException">The folder exists, cannot be written, or an image cannot be read and is not
    /// skipped.</exception>
    public int Write(
        IImageSource source,
        string folder,
        BadSamples? bad = null,
        IProgress<int>? progress = null,
        CancellationToken cancellation = default
    )
    {
        if (Size < 1)
            throw new ArgumentException(
                $"images are packed with a side of at least 1 pixel, but {Size} was asked for."
            );
        if (Directory.Exists(folder) || File.Exists(folder))
            throw new ImageException(folder, "exists already; name another folder, or delete it first.");
        string partial = folder.TrimEnd(Path.DirectorySeparatorChar) + $".partial-{Environment.ProcessId}";
        try
        {
            Directory.CreateDirectory(partial);
            int written = WriteFiles(source, partial, bad ?? new(), progress, cancellation);
            Directory.Move(partial, folder);
            return written;
        }
        catch (Exception e) when (e is UnauthorizedAccessException || (e is IOException && e is not ImageException))
        {
            throw new ImageException(folder, $"cannot be written: {e.Message}", e);
        }
        finally
        {
            if (Directory.Exists(partial))
                Directory.Delete(partial, recursive: true);
        }
    }

    private int WriteFiles(
        IImageSource source,
        string folder,
        BadSamples bad,
        IProgress<int>? progress,
        CancellationToken cancellation
    )
    {
        int imageBytes = 3 * Size * Size;
        int perShard = (int)Math.Clamp(ShardBytes / imageBytes, 1, int.MaxValue);
        List<PackedIndex.Shard> shards = [];
        List<int> labels = [];
        var planes = new byte[Chunk][];
        var failures = new ImageException?[Chunk];
        FileStream? file = null;
        using var sum = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        try
        {
            for (int start = 0; start < source.Count; start += Chunk)
            {
                int count = Math.Min(Chunk, source.Count - start);
                Parallel.For(
                    0,
                    count,
                    new ParallelOptions { MaxDegreeOfParallelism = Threads, CancellationToken = cancellation },
                    i => failures[i] = Resize(source, start + i, planes[i] ??= new byte[imageBytes])
                );
                for (int i = 0; i < count; i++)
                {
                    if (failures[i] is { } failure)
                    {
                        bad.Report(failure);
                        continue;
                    }
                    if (labels.Count % perShard == 0)
                    {
                        Close();
                        shards.Add(new PackedIndex.Shard($"shard-{shards.Count:00000}.bin", 0, ""));
                        file = File.Create(Path.Combine(folder, shards[^1].File), 1 << 20);
                    }
                    file!.Write(planes[i]);
                    sum.AppendData(planes[i]);
                    labels.Add(source.Label(start + i));
                }
                progress?.Report(start + count);
            }
            if (labels.Count == 0)
                throw new ImageException(folder, "would be empty: no image could be read.");
            Close();
        }
        finally
        {
            file?.Dispose();
        }
        SaveIndex(source, folder, labels, [.. shards]);
        return labels.Count;

        // The shard that is being written gets its count and checksum.
        void Close()
        {
            if (file is null)
                return;
            file.Flush(flushToDisk: true);
            file.Dispose();
            int images = labels.Count - (shards.Count - 1) * perShard;
            shards[^1] = shards[^1] with { Images = images, Sha256 = Convert.ToHexStringLower(sum.GetHashAndReset()) };
            file = null;
        }
    }

    private void SaveIndex(IImageSource source, string folder, List<int> labels, PackedIndex.Shard[] shards)
    {
        var bytes = new byte[4 * labels.Count];
        for (int i = 0; i < labels.Count; i++)
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4 * i), labels[i]);
        File.WriteAllBytes(Path.Combine(folder, PackedIndex.LabelsFile), bytes);
        var index = new PackedIndex
        {
            Format = PackedIndex.KnownFormat,
            Size = Size,
            Count = labels.Count,
            Classes = [.. source.Classes],
            LabelsSha256 = Convert.ToHexStringLower(SHA256.HashData(bytes)),
            Shards = shards,
            Source =
                $"{source.Count} images from {source.Name(0)} on, shorter side resized to {Size} "
                + $"({Filter.ToString().ToLowerInvariant()}), middle square",
        };
        index.Save(Path.Combine(folder, PackedIndex.FileName));
    }

    // Planes of the middle square, or why there are none.
    private ImageException? Resize(IImageSource source, int index, byte[] planes)
    {
        try
        {
            using var image = source.Read(index);
            using var square = new EvalCrop(Size, Ratio: 1) { Filter = Filter }.Apply(image);
            ReadOnlySpan<byte> pixels = square.Pixels;
            int area = Size * Size;
            for (int i = 0; i < area; i++)
                (planes[i], planes[area + i], planes[2 * area + i]) = (
                    pixels[3 * i],
                    pixels[3 * i + 1],
                    pixels[3 * i + 2]
                );
            return null;
        }
        catch (ImageException e)
        {
            return e;
        }
    }
}
