using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;
using System.Security.Cryptography;
using PatchKit.Data.Augment;
using PatchKit.Data.Images;
using PatchKit.Data.Sets;
using static TorchSharp.torch;

namespace PatchKit.Data.Packed;

/// <summary>
/// Images of one size, decoded and resized once, in shards that are mapped into memory: pages come from disk when they
/// are looked at, and reading an image costs a copy. Made by <see cref="PackedSetWriter"/>. Any thread may read; none
/// may after Dispose.
/// </summary>
public sealed unsafe class PackedSet : IImageSource, IDisposable
{
    private readonly PackedIndex _index;
    private readonly string _folder;
    private readonly int[] _labels,
        _first;
    private readonly MappedShard[] _shards;
    private bool _disposed;

    /// <summary>Opens a packed set; sizes are checked, and on request every byte.</summary>
    /// <param name="folder">the folder with index.json.</param>
    /// <param name="verify">whether the checksums are checked, which reads everything once.</param>
    /// <exception cref="ImageException">A file is missing, cut short or differs from its checksum.</exception>
    public PackedSet(string folder, bool verify = false)
    {
        _folder = folder;
        _index = PackedIndex.Load(Path.Combine(folder, PackedIndex.FileName));
        _labels = LoadLabels();
        _first = new int[_index.Shards.Length];
        _shards = new MappedShard[_index.Shards.Length];
        try
        {
            for (int i = 0, first = 0; i < _shards.Length; first += _index.Shards[i++].Images)
            {
                _first[i] = first;
                _shards[i] = new MappedShard(
                    Path.Combine(folder, _index.Shards[i].File),
                    _index.Shards[i].Images * (long)ImageBytes
                );
            }
            if (verify)
                Verify();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The side of the images.</summary>
    public int Size => _index.Size;

    /// <inheritdoc/>
    public int Count => _index.Count;

    /// <inheritdoc/>
    public IReadOnlyList<string> Classes => _index.Classes;

    private int ImageBytes => 3 * Size * Size;

    /// <inheritdoc/>
    public int Label(int index) => _labels[index];

    /// <inheritdoc/>
    public string Name(int index) => $"{_folder}[{index}]";

    /// <summary>The pixels of an image where they lie, (3, Size, Size); valid until the set is disposed.</summary>
    public ReadOnlySpan<byte> Planes(int index)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if ((uint)index >= (uint)Count)
            throw new ArgumentOutOfRangeException(
                nameof(index),
                $"image {index} is not in {_folder}, which has {Count}."
            );
        int shard = Array.BinarySearch(_first, index);
        if (shard < 0)
            shard = ~shard - 1;
        return new ReadOnlySpan<byte>(_shards[shard].Start + (index - _first[shard]) * (long)ImageBytes, ImageBytes);
    }

    /// <inheritdoc/>
    public Image Read(int index) => Image.FromPlanes(Size, Size, Planes(index));

    /// <summary>
    /// A batch as bytes, for augmentation on the device that trains (<see cref="BatchAugment"/>): (B, 3, Size, Size),
    /// uint8, with labels (B).
    /// </summary>
    public Batch ReadBatch(ReadOnlySpan<int> indices, Device? device = null)
    {
        var bytes = new byte[checked(indices.Length * ImageBytes)];
        var labels = new long[indices.Length];
        for (int i = 0; i < indices.Length; i++)
        {
            Planes(indices[i]).CopyTo(bytes.AsSpan(i * ImageBytes));
            labels[i] = _labels[indices[i]];
        }
        return new Batch(
            tensor(bytes, [indices.Length, 3, Size, Size], device: device),
            tensor(labels, device: device)
        );
    }

    /// <summary>Reads every byte and compares the checksums.</summary>
    /// <exception cref="ImageException">A shard differs from its checksum.</exception>
    public void Verify(CancellationToken cancellation = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        foreach (var (shard, mapped) in _index.Shards.Zip(_shards))
        {
            using var sum = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            for (long at = 0; at < mapped.Length; )
            {
                cancellation.ThrowIfCancellationRequested();
                int step = (int)Math.Min(mapped.Length - at, 1 << 24);
                sum.AppendData(new ReadOnlySpan<byte>(mapped.Start + at, step));
                at += step;
            }
            if (Convert.ToHexStringLower(sum.GetHashAndReset()) != shard.Sha256)
                throw new ImageException(
                    Path.Combine(_folder, shard.File),
                    "differs from its checksum in index.json; it is damaged, so pack the set again."
                );
        }
    }

    /// <summary>Unmaps the shards.</summary>
    public void Dispose()
    {
        _disposed = true;
        foreach (var shard in _shards)
            shard?.Dispose();
    }

    private int[] LoadLabels()
    {
        string path = Path.Combine(_folder, PackedIndex.LabelsFile);
        if (!File.Exists(path))
            throw new ImageException(path, "does not exist; the packed set is incomplete, so pack it again.");
        byte[] bytes = File.ReadAllBytes(path);
        if (bytes.Length != 4L * Count || Convert.ToHexStringLower(SHA256.HashData(bytes)) != _index.LabelsSha256)
            throw new ImageException(
                path,
                $"has {bytes.Length:N0} bytes where {4L * Count:N0} of a known checksum are expected; it is "
                    + "damaged, so pack the set again."
            );
        var labels = new int[Count];
        for (int i = 0; i < Count; i++)
            labels[i] = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(4 * i));
        return labels;
    }

    private sealed class MappedShard : IDisposable
    {
        private readonly MemoryMappedFile _map;
        private readonly MemoryMappedViewAccessor _view;

        internal MappedShard(string path, long length)
        {
            if (!File.Exists(path))
                throw new ImageException(path, "does not exist; the packed set is incomplete, so pack it again.");
            long found = new FileInfo(path).Length;
            if (found != length)
                throw new ImageException(
                    path,
                    $"has {found:N0} bytes, but index.json says {length:N0}; it is cut short or damaged, so "
                        + "pack the set again."
                );
            Length = length;
            _map = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
            _view = _map.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
            byte* start = null;
            _view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
            Start = start + _view.PointerOffset;
        }

        internal byte* Start { get; }

        internal long Length { get; }

        public void Dispose()
        {
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
            _view.Dispose();
            _map.Dispose();
        }
    }
}
