using PatchKit.Checkpoints.Pickle;

namespace PatchKit.Checkpoints;

/// <summary>
/// Files of torch.save (.pth, .pt, .bin): the zip format and the stream that PyTorch wrote before 1.6. Their pickle is
/// read by a machine that knows tensors, containers, numbers, text, argparse.Namespace and NumPy's numbers; one that
/// asks for anything else is refused by name, and no code of the file ever runs.
/// </summary>
public static class TorchCheckpoint
{
    /// <summary>Opens a file; its tensors are read when they are loaded.</summary>
    /// <param name="path">the file.</param>
    /// <param name="verify">whether the zip's checksums must agree; false for a file saved under
    /// torch.serialization.set_crc32_options(False).</param>
    /// <exception cref="CheckpointException">The file is damaged, no checkpoint of PyTorch, or asks for
    /// code.</exception>
    public static CheckpointFile Open(string path, bool verify = true) =>
        CheckpointFile.Over(MappedFile.Open(path), file => Read(file, verify));

    internal static CheckpointFile Read(MappedFile file, bool verify) =>
        ZipDirectory.IsZip(file) ? TorchZip.Read(file, verify)
        : TorchStream.IsStream(file) ? TorchStream.Read(file)
        : throw new CheckpointException(
            file.Path,
            "was not written by torch.save: it begins neither as a zip file nor with PyTorch's magic "
                + "number; see what it is with `patchkit inspect`."
        );

    /// <summary>("storage", class, key, device, elements, ...): the parts that both formats share.</summary>
    internal static (PickleGlobal Class, string Key, long Elements) StorageId(PickleContext context, object?[] id)
    {
        if (id.Length is < 5 or > 6 || id[0] is not "storage")
            throw context.Wrong(
                $"refers to {(id.Length > 0 ? PickleContext.Kind(id[0]) : "nothing")} outside itself, where "
                    + "torch.save refers to storages"
            );
        var type = context.Expect<PickleGlobal>(id[1], "a storage's class");
        if (!type.IsStorage)
            throw context.Wrong($"gives {type.Name} as a storage's class");
        string key = context.Expect<string>(id[2], "a storage's key");
        long elements = context.Expect<long>(id[4], "a storage's length");
        int size = type.Element is { } element ? ElementTypes.Size(element) : 1;
        return elements >= 0 && elements <= long.MaxValue / size
            ? (type, key, elements)
            : throw context.Wrong($"has a storage of {elements} elements");
    }
}
