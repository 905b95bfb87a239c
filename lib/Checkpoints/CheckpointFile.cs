using static TorchSharp.torch;

namespace PatchKit.Checkpoints;

/// <summary>
/// An open checkpoint: what it holds as a tree of plain values, and its tensors by name. Opening reads and checks the
/// description only; elements are read from the file when a tensor is loaded. Loaded tensors outlive the file.
/// </summary>
public sealed class CheckpointFile : IDisposable
{
    // Where training programs keep a model's weights: DeiT, MAE and this paper's code; MMSegmentation and MMDetection;
    // others.
    private static readonly string[] UsualKeys =
    [
        "model",
        "state_dict",
        "model_state_dict",
        "module",
        "net",
        "network",
        "model_ema",
        "state_dict_ema",
        "ema",
        "ema_state_dict",
    ];

    // What DistributedDataParallel and torch.compile put before all names, in either order.
    private static readonly string[] Wrappers = ["module.", "_orig_mod."];

    private readonly MappedFile _file;

    internal CheckpointFile(MappedFile file, string format, object? root) =>
        (_file, Format, Root) = (file, format, root);

    /// <summary>The file.</summary>
    public string Path => _file.Path;

    /// <summary>The file's size in bytes.</summary>
    public long Bytes => _file.Length;

    /// <summary>"safetensors", "PyTorch zip" or "PyTorch stream (before 1.6)".</summary>
    public string Format { get; }

    /// <summary>
    /// What the file holds: OrderedDictionary&lt;object, object?&gt; with strings and numbers as keys,
    /// List&lt;object?&gt; for lists and sets, object?[] for tuples, <see cref="CheckpointTensor"/>,
    /// <see cref="PickleRecord"/>, string, long, double, bool, byte[], BigInteger, ScalarType, or null for None. At
    /// most 64 deep, and nothing holds itself.
    /// </summary>
    public object? Root { get; }

    /// <summary>The text metadata of a safetensors file; empty for others.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; internal init; } = new Dictionary<string, string>();

    /// <summary>Opens a checkpoint of any format that PatchKit reads, told by its content.</summary>
    /// <param name="path">the file.</param>
    /// <param name="verify">whether the checksums of a zip must agree; false for a file saved under
    /// torch.serialization.set_crc32_options(False).</param>
    /// <exception cref="CheckpointException">The file is absent, damaged, of another format, or asks for
    /// code.</exception>
    public static CheckpointFile Open(string path, bool verify = true) =>
        Over(
            MappedFile.Open(path),
            file =>
                ZipDirectory.IsZip(file) || TorchStream.IsStream(file) ? TorchCheckpoint.Read(file, verify)
                : SafetensorsHeader.IsSafetensors(file) ? SafetensorsHeader.Read(file)
                : throw UnknownFormat.Describe(file)
        );

    /// <summary>A value at the top of the file, such as "epoch" or "args"; null where there is none.</summary>
    public object? Value(string key) =>
        Root is OrderedDictionary<object, object?> top && top.TryGetValue(key, out var value) ? value : null;

    /// <summary>
    /// The tensors of a model by their names, without reading their elements. Names in nested dictionaries and lists
    /// are joined by dots; "module." and "_orig_mod." that all names begin with (DistributedDataParallel,
    /// torch.compile) are taken off; values that are no tensors are left out.
    /// </summary>
    /// <param name="key">where they are: "model_ema", a path such as "optimizer.state", what names begin with, such as
    /// "ema.module" of ema.module.cls_token, or "" for the file itself. Where null, the first of "model", "state_dict",
    /// "model_state_dict", "module", "net", "network", "model_ema", "state_dict_ema", "ema" and "ema_state_dict" that
    /// is there, and again within it, or else the file itself.</param>
    /// <exception cref="CheckpointException">There is nothing there, or it holds no tensors.</exception>
    public IReadOnlyDictionary<string, CheckpointTensor> Tensors(string? key = null)
    {
        var (found, prefix) = Named(key);
        return prefix.Length == 0
            ? found
            : new OrderedDictionary<string, CheckpointTensor>(
                found.Select(pair => KeyValuePair.Create(pair.Key[prefix.Length..], pair.Value))
            );
    }

    /// <summary>What <see cref="Tensors"/> chose and took off: "model was taken; model_ema is there, too".</summary>
    /// <param name="key">where they are, as for <see cref="Tensors"/>.</param>
    /// <exception cref="CheckpointException">There is nothing there, or it holds no tensors.</exception>
    public IReadOnlyList<string> Notes(string? key = null)
    {
        var notes = new List<string>();
        if (key is null && Usual().Others is [_, ..] others)
            notes.Add(
                $"{Usual().Name} was taken; {string.Join(" and ", others)} "
                    + $"{(others.Count == 1 ? "is" : "are")} in the file, too (--key {others[0]})"
            );
        if (Named(key).Prefix is { Length: > 0 } prefix)
            notes.Add($"{prefix} taken off the names");
        return notes;
    }

    private (OrderedDictionary<string, CheckpointTensor> Found, string Prefix) Named(string? key)
    {
        var found = new OrderedDictionary<string, CheckpointTensor>();
        foreach (
            var (name, value) in key is null ? Leaves(Usual().Part)
            : key.Length == 0 ? Leaves(Root)
            : Below(key)
        )
        {
            if (value is CheckpointTensor tensor && !found.TryAdd(name.Length == 0 ? "tensor" : name, tensor))
                throw new CheckpointException(
                    Path,
                    $"has two tensors that are named {Words.Safe(name)} once their dictionaries are joined; "
                        + "choose one dictionary by its key."
                );
        }
        if (found.Count == 0)
            throw new CheckpointException(
                Path,
                $"holds no tensors{(key is null or "" ? "" : $" under \"{Words.Safe(key)}\"")}; it "
                    + $"has {Keys(Root)}. See them with `patchkit inspect`."
            );
        string prefix = "";
        while (
            Wrappers.FirstOrDefault(word =>
                found.Keys.All(name =>
                    name.AsSpan(prefix.Length).StartsWith(word) && name.Length > prefix.Length + word.Length
                )
            )
                is { } wrapper
        )
            prefix += wrapper;
        return (found, prefix);
    }

    // A dictionary by its path; or else the names that begin so.
    private IEnumerable<(string Name, object? Value)> Below(string key)
    {
        if (Find(key, out object? part))
            return Leaves(part);
        string prefix = key + ".";
        var below = Leaves(Root)
            .Where(leaf => leaf.Value is CheckpointTensor && leaf.Name.StartsWith(prefix, StringComparison.Ordinal))
            .Select(leaf => (leaf.Name[prefix.Length..], leaf.Value))
            .ToList();
        return below.Count > 0
            ? below
            : throw new CheckpointException(Path, $"has nothing under \"{Words.Safe(key)}\"; it has {Keys(part)}.");
    }

    /// <summary>
    /// The tensors of a model by their names, loaded. Those that shared memory when they were saved share it again;
    /// each storage is read once. To hold one tensor at a time instead, go through <see cref="Tensors"/> and load each
    /// by <see cref="CheckpointTensor.Load"/>.
    /// </summary>
    /// <param name="key">where they are, as for <see cref="Tensors"/>.</param>
    /// <exception cref="CheckpointException">There is nothing there, it holds no tensors, or the file is
    /// damaged.</exception>
    public Dictionary<string, Tensor> StateDict(string? key = null)
    {
        using var scope = NewDisposeScope();
        var memory = new Dictionary<CheckpointStorage, Tensor>();
        var loaded = new Dictionary<string, Tensor>();
        foreach (var (name, tensor) in Tensors(key))
        {
            if (!memory.TryGetValue(tensor.Source, out var storage))
                memory[tensor.Source] = storage = tensor.Source.Read(0, tensor.Source.Count);
            loaded.Add(name, tensor.Over(storage));
        }
        foreach (var tensor in loaded.Values)
            tensor.MoveToOuterDisposeScope();
        return loaded;
    }

    /// <summary>Closes the file. Its tree stays, but <see cref="CheckpointTensor.Load"/> no longer works.</summary>
    public void Dispose() => _file.Dispose();

    /// <summary>Reads a file by a reader, and closes it where that fails.</summary>
    internal static CheckpointFile Over(MappedFile file, Func<MappedFile, CheckpointFile> read)
    {
        try
        {
            return read(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private (object? Part, string Name, IReadOnlyList<string> Others) Usual()
    {
        object? part = Root;
        List<string> path = [];
        string[] others = [];
        while (
            part is OrderedDictionary<object, object?> top
            && UsualKeys
                .Where(key =>
                    top.TryGetValue(key, out object? value)
                    && value is OrderedDictionary<object, object?> { Count: > 0 }
                )
                .ToArray()
                is [var first, .. var rest]
        )
        {
            if (path.Count == 0)
                others = rest;
            path.Add(first);
            part = top[first];
        }
        return (part, string.Join('.', path), others);
    }

    // The value at a path, or how far it leads.
    private bool Find(string path, out object? part)
    {
        part = Root;
        string rest = path;
        while (true)
        {
            if (Step(part, rest, out var whole))
            {
                part = whole;
                return true;
            }
            // A key may itself have dots: the longest that fits goes first.
            int dot = rest.Length;
            object? next = null;
            do dot = dot == 0 ? -1 : rest.LastIndexOf('.', dot - 1);
            while (dot >= 0 && !Step(part, rest[..dot], out next));
            if (dot < 0)
                return false;
            (part, rest) = (next, rest[(dot + 1)..]);
        }
    }

    private static bool Step(object? part, string key, out object? value)
    {
        value = null;
        long number = long.TryParse(key, out long parsed) ? parsed : -1;
        switch (part)
        {
            case OrderedDictionary<object, object?> dictionary:
                return dictionary.TryGetValue(key, out value) || dictionary.TryGetValue(number, out value);
            case PickleRecord record:
                return record.Fields.TryGetValue(key, out value);
            case IReadOnlyList<object?> list when number >= 0 && number < list.Count:
                value = list[(int)number];
                return true;
            default:
                return false;
        }
    }

    /// <summary>
    /// The values below a part, by their names joined with dots: all but dictionaries, namespaces and lists of these,
    /// which are gone through.
    /// </summary>
    internal IEnumerable<(string Name, object? Value)> Leaves(object? part)
    {
        // A long name over many values makes many long names.
        var allowance = new Allowance(Path, Bytes);
        return Below(part, "");

        IEnumerable<(string, object?)> Below(object? node, string name) =>
            node switch
            {
                OrderedDictionary<object, object?> { Count: > 0 } dictionary => dictionary.SelectMany(pair =>
                    Below(pair.Value, Join(name, pair.Key))
                ),
                PickleRecord { TypeName: "argparse.Namespace", Fields.Count: > 0 } record => record.Fields.SelectMany(
                    pair => Below(pair.Value, Join(name, pair.Key))
                ),
                IReadOnlyList<object?> list
                    when list.Any(entry =>
                        entry
                            is CheckpointTensor
                                or PickleRecord
                                or OrderedDictionary<object, object?>
                                or IReadOnlyList<object?>
                    ) => list.SelectMany((entry, i) => Below(entry, Join(name, i))),
                _ => [(name, node)],
            };

        string Join(string name, object key)
        {
            string last = key as string ?? FormattableString.Invariant($"{key}");
            allowance.Charge(24 + 2L * (name.Length + 1 + last.Length));
            return name.Length == 0 ? last : $"{name}.{last}";
        }
    }

    private static string Keys(object? part) =>
        part is OrderedDictionary<object, object?> { Count: > 0 } dictionary
            ? string.Join(
                ", ",
                dictionary.Keys.Take(8).Select(key => $"\"{Words.Safe(FormattableString.Invariant($"{key}"))}\"")
            ) + (dictionary.Count > 8 ? $" and {dictionary.Count - 8} more" : "")
            : "no keys";
}
