using System.Buffers.Binary;
using System.Numerics;
using PatchKit.Checkpoints.Pickle;

namespace PatchKit.Checkpoints;

/// <summary>
/// The stream that PyTorch wrote before 1.6: five pickles (magic number, protocol, machine, the object, the keys of its
/// storages), then for each key the number of elements and the elements.
/// </summary>
internal static class TorchStream
{
    private const int Protocol = 1001;

    private static readonly BigInteger Magic = BigInteger.Parse(
        "0" + "1950a86a20f9469cfc6c",
        System.Globalization.NumberStyles.HexNumber,
        System.Globalization.CultureInfo.InvariantCulture
    );

    internal static bool IsStream(MappedFile file)
    {
        // PROTO n, LONG1, 10 bytes of the magic number.
        using var start = file.Look(0, Math.Min(file.Length, 14), "its beginning");
        return start.Bytes.Length == 14
            && start.Bytes[0] == (byte)PickleOpcode.PROTO
            && start.Bytes[2] == (byte)PickleOpcode.LONG1
            && start.Bytes[3] == 10;
    }

    internal static CheckpointFile Read(MappedFile file)
    {
        var allowance = new Allowance(file.Path, file.Length);
        var plain = new PickleContext(file.Path, allowance);
        long at = 0;
        if (Next(plain) is not BigInteger magic || magic != Magic)
            throw new CheckpointException(
                file.Path,
                "does not begin with PyTorch's magic number, so torch.save did not write it, or it is damaged."
            );
        if (Next(plain) is not (long)Protocol and var other)
            throw plain.Wrong(
                $"gives {PickleContext.Kind(other)} as PyTorch's protocol, where {Protocol} is the only one"
            );
        if (
            Next(plain) is OrderedDictionary<object, object?> machine
            && machine.TryGetValue("little_endian", out var little)
            && little is false
        )
            throw new CheckpointException(
                file.Path,
                "was written on a big-endian machine, where PatchKit reads little-endian files; save it "
                    + "again by torch.save of PyTorch 1.6 or later."
            );

        var storages = new Dictionary<string, LegacyStorage>();
        var context = new PickleContext(file.Path, allowance, Storage);
        object? root = Next(context);
        var keys = plain.Expect<List<object?>>(Next(plain), "the list of its storages");
        foreach (object? key in keys)
            Locate(plain.Expect<string>(key, "a storage's key"));
        if (storages.FirstOrDefault(storage => storage.Value.Start is null).Key is { } absent)
            throw plain.Wrong($"refers to storage {Words.Safe(absent)}, which the file does not hold");
        return new CheckpointFile(file, "PyTorch stream (before 1.6)", CheckpointTree.Bound(root, context));

        object? Next(PickleContext context)
        {
            using var rest = file.Look(at, Math.Min(file.Length - at, int.MaxValue), "a pickle");
            var unpickler = new Unpickler(rest.Bytes, context);
            object? value = unpickler.Run();
            at += unpickler.Length;
            return value;
        }

        PickleStorage Storage(PickleContext context, object?[] id)
        {
            var (type, key, elements) = TorchCheckpoint.StorageId(context, id);
            long bytes = elements * (type.Element is { } element ? ElementTypes.Size(element) : 1);
            if (!storages.TryGetValue(key, out var root))
            {
                allowance.Charge(bytes);
                allowance.Charge(400);
                storages[key] = root = new LegacyStorage(file, key, elements, bytes);
            }
            if (root.Shared.Bytes != bytes)
                throw context.Wrong($"gives storage {Words.Safe(key)} {root.Shared.Bytes} bytes and {bytes}");
            if (id.Length == 5 || id[5] is null)
                return root.Shared.Mention(type.Element);
            // (key, offset, length): a run that the oldest files call a storage of its own.
            if (
                id[5] is not object?[] view
                || view is not [string, long offset, long length]
                || offset < 0
                || length < 0
                || offset > elements
                || length > elements - offset
            )
                throw context.Wrong($"has a view of storage {Words.Safe(key)} that leaves its {elements} elements");
            return root.Shared.Mention(type.Element, offset, length);
        }

        void Locate(string key)
        {
            if (!storages.TryGetValue(key, out var storage))
                throw plain.Wrong($"lists storage {Words.Safe(key)}, to which nothing refers");
            using var count = file.Look(at, sizeof(long), $"the length of storage {Words.Safe(key)}");
            long found = BinaryPrimitives.ReadInt64LittleEndian(count.Bytes);
            if (found != storage.Elements || storage.Start is not null)
                throw new CheckpointException(
                    file.Path,
                    $"has storage {Words.Safe(key)} of {found:N0} elements, but its pickle "
                        + $"says {storage.Elements:N0}; it is damaged, so download or save it again."
                );
            storage.Start = at + sizeof(long);
            file.Look(storage.Start.Value, storage.Shared.Bytes, $"storage {Words.Safe(key)}").Dispose();
            at = storage.Start.Value + storage.Shared.Bytes;
        }
    }

    /// <summary>A storage whose place in the file is known only after the pickle that mentions it.</summary>
    private sealed class LegacyStorage
    {
        private CheckpointStorage? _made;
        private long? _start;

        internal LegacyStorage(MappedFile file, string key, long elements, long bytes)
        {
            Elements = elements;
            Shared = new SharedStorage(
                key,
                bytes,
                dtype =>
                    _made = new CheckpointStorage(file, key, dtype, bytes / ElementTypes.Size(dtype)) { Start = _start }
            );
        }

        /// <summary>The number of elements as the first mention counts them.</summary>
        internal long Elements { get; }

        internal SharedStorage Shared { get; }

        internal long? Start
        {
            get => _start;
            set
            {
                _start = value;
                if (_made is not null)
                    _made.Start = value;
            }
        }
    }
}
