using PatchKit.Checkpoints.Pickle;

namespace PatchKit.Checkpoints;

/// <summary>
/// The zip format of torch.save, 1.6 and later: FOLDER/data.pkl and one entry FOLDER/data/KEY for each storage.
/// </summary>
internal static class TorchZip
{
    internal static CheckpointFile Read(MappedFile file, bool verify)
    {
        var allowance = new Allowance(file.Path, file.Length);
        var zip = ZipDirectory.Read(file, allowance);
        string folder = Folder(file, zip);
        ExpectLittleEndian(file, zip, folder);
        var storages = new Dictionary<string, SharedStorage>();
        var context = new PickleContext(file.Path, allowance, Storage);
        using var pickle = zip.Look(folder + "data.pkl", verify);
        object? root = new Unpickler(pickle.Bytes, context).Run();
        return new CheckpointFile(file, "PyTorch zip", CheckpointTree.Bound(root, context));

        PickleStorage Storage(PickleContext context, object?[] id)
        {
            var (type, key, elements) = TorchCheckpoint.StorageId(context, id);
            long bytes = elements * (type.Element is { } element ? ElementTypes.Size(element) : 1);
            if (storages.TryGetValue(key, out var known))
                return known.Bytes == bytes
                    ? known.Mention(type.Element)
                    : throw context.Wrong($"gives storage {Words.Safe(key)} {known.Bytes} bytes and {bytes}");
            var entry = zip.Find($"{folder}data/{key}");
            if (entry.Bytes != bytes)
                throw new CheckpointException(
                    file.Path,
                    $"has {entry.Bytes:N0} bytes of storage {Words.Safe(key)}, but its pickle "
                        + $"says {bytes:N0}; it is damaged, so download or save it again."
                );
            allowance.Charge(bytes + 300);
            storages[key] = known = new SharedStorage(
                key,
                bytes,
                dtype => new CheckpointStorage(file, key, dtype, bytes / ElementTypes.Size(dtype))
                {
                    Start = entry.Start,
                    Checksum = verify ? entry.Checksum : null,
                }
            );
            return known.Mention(type.Element);
        }
    }

    // The folder is named after the file that was saved, or "archive".
    private static string Folder(MappedFile file, ZipDirectory zip)
    {
        var pickles = zip
            .Names.Where(name => name is "data.pkl" || name.EndsWith("/data.pkl", StringComparison.Ordinal))
            .Take(2)
            .ToList();
        if (zip.Names.Any(name => name is "constants.pkl" || name.EndsWith("/constants.pkl", StringComparison.Ordinal)))
            throw new CheckpointException(
                file.Path,
                "is a TorchScript program (it has constants.pkl), which PatchKit does not run; load it in "
                    + "Python by torch.jit.load and save its state_dict() by torch.save."
            );
        return pickles.Count == 1
            ? pickles[0][..^"data.pkl".Length]
            : throw new CheckpointException(
                file.Path,
                pickles.Count == 0
                    ? "is a zip file without data.pkl, so torch.save did not write it; if it holds a "
                        + "checkpoint, unpack it first."
                    : $"has two pickles, {Words.Safe(pickles[0])} and {Words.Safe(pickles[1])}, where "
                        + "torch.save writes one; it is damaged."
            );
    }

    private static void ExpectLittleEndian(MappedFile file, ZipDirectory zip, string folder)
    {
        if (!zip.Has(folder + "byteorder"))
            return;
        using var order = zip.Look(folder + "byteorder", verify: false);
        if (order.Bytes.SequenceEqual("little"u8))
            return;
        string said = System.Text.Encoding.Latin1.GetString(order.Bytes[..Math.Min(order.Bytes.Length, 16)]);
        throw new CheckpointException(
            file.Path,
            $"says byte order \"{Words.Safe(said)}\", where PatchKit reads \"little\"; save it again on a "
                + "little-endian machine."
        );
    }
}
