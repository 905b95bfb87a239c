using PatchKit.Checkpoints;

namespace PatchKit.Models;

/// <summary>
/// Finds a model's tensors in a checkpoint that calls them otherwise than the official code: wrapped for training
/// (module., _orig_mod.), as a part of something larger (model., backbone., ema.), or by timm's later names.
/// </summary>
public static class OfficialNames
{
    // The one tensor that every backbone has, and whose name tells where the others are.
    private const string Anchor = "patch_embed.proj.weight";

    // What DistributedDataParallel, torch.compile, FSDP and activation checkpointing put around a module, wherever in
    // it that may be.
    private static readonly HashSet<string> s_wrappers =
    [
        "module",
        "_orig_mod",
        "_fsdp_wrapped_module",
        "_checkpoint_wrapped_module",
    ];

    private static readonly HashSet<string> s_averages = ["ema", "model_ema", "ema_model", "averaged_model"],
        s_models = ["model", "backbone", "net", "network", "encoder", "student"];

    /// <summary>
    /// The tensors by the official names, and sentences on what was taken off, left out or renamed for that.
    /// </summary>
    /// <typeparam name="T">what stands for a tensor: itself, its shape, or its place in the file.</typeparam>
    /// <param name="tensors">by the names that the checkpoint has for them.</param>
    /// <param name="source">what messages call the checkpoint.</param>
    /// <exception cref="CheckpointException">Two tensors have one name, or there are several models and none is the
    /// likelier one.</exception>
    public static (IReadOnlyDictionary<string, T> Tensors, IReadOnlyList<string> Notes) Of<T>(
        IReadOnlyDictionary<string, T> tensors,
        string source = "the checkpoint"
    )
    {
        List<string> notes = [];
        var named = Unwrapped(tensors, source, notes);
        named = Below(Prefix(named.Keys, source, notes), named, notes);
        return (Renamed(named, notes), notes);
    }

    private static IReadOnlyDictionary<string, T> Unwrapped<T>(
        IReadOnlyDictionary<string, T> tensors,
        string source,
        List<string> notes
    )
    {
        var found = new OrderedDictionary<string, T>();
        var taken = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var (name, tensor) in tensors)
        {
            string[] parts = name.Split('.');
            taken.UnionWith(parts.Where(s_wrappers.Contains));
            string bare = string.Join('.', parts.Where(part => !s_wrappers.Contains(part)));
            if (!found.TryAdd(bare, tensor))
                throw new CheckpointException(
                    source,
                    $"has two tensors that are {Words.Safe(bare)} without the "
                        + $"wrappers {string.Join(" and ", taken)}; choose one model of them by its key."
                );
        }
        if (taken.Count == 0)
            return tensors;
        notes.Add($"{string.Join(" and ", taken.Select(word => word + "."))} taken off the names");
        return found;
    }

    private static string Prefix(IEnumerable<string> names, string source, List<string> notes)
    {
        string[] prefixes =
        [
            .. names
                .Where(name => name == Anchor || name.EndsWith("." + Anchor, StringComparison.Ordinal))
                .Select(name => name[..^Anchor.Length]),
        ];
        if (prefixes.Length == 0 || prefixes.Contains(""))
            return "";
        var likeliest = prefixes.GroupBy(Likelihood).MaxBy(group => group.Key)!.ToList();
        if (likeliest is not [var only])
            throw new CheckpointException(
                source,
                $"holds {prefixes.Length} models, under {string.Join(" and ", prefixes.Select(Key))}; "
                    + $"choose one by its key (--key {Key(prefixes[0])})."
            );
        foreach (string other in prefixes.Where(prefix => prefix != only))
            notes.Add($"the model under {Key(only)} was taken; another is under {Key(other)} (--key {Key(other)})");
        return only;
    }

    private static int Likelihood(string prefix)
    {
        string[] parts = prefix.TrimEnd('.').Split('.');
        return parts.All(s_models.Contains) ? 2
            : parts.All(part => s_models.Contains(part) || s_averages.Contains(part)) ? 1
            : 0;
    }

    private static string Key(string prefix) => Words.Safe(prefix.TrimEnd('.'));

    private static IReadOnlyDictionary<string, T> Below<T>(
        string prefix,
        IReadOnlyDictionary<string, T> tensors,
        List<string> notes
    )
    {
        if (prefix.Length == 0)
            return tensors;
        var below = new OrderedDictionary<string, T>(
            tensors
                .Where(entry => entry.Key.StartsWith(prefix, StringComparison.Ordinal))
                .Select(entry => KeyValuePair.Create(entry.Key[prefix.Length..], entry.Value))
        );
        notes.Add($"{Words.Safe(prefix)} taken off the names");
        if (below.Count < tensors.Count)
            notes.Add(
                $"{tensors.Count - below.Count:N0} tensors beside {Key(prefix)} left out, such "
                    + $"as {Words.Safe(tensors.Keys.First(name => !name.StartsWith(prefix, StringComparison.Ordinal)))}"
            );
        return below;
    }

    // LayerScale: gamma_1 in the official DeiT-III, ls1.gamma in timm.
    private static IReadOnlyDictionary<string, T> Renamed<T>(IReadOnlyDictionary<string, T> tensors, List<string> notes)
    {
        if (!tensors.Keys.Any(name => name.EndsWith(".ls1.gamma", StringComparison.Ordinal)))
            return tensors;
        notes.Add("ls1.gamma and ls2.gamma read as gamma_1 and gamma_2");
        return new OrderedDictionary<string, T>(
            tensors.Select(entry =>
                KeyValuePair.Create(
                    entry.Key.Replace(".ls1.gamma", ".gamma_1").Replace(".ls2.gamma", ".gamma_2"),
                    entry.Value
                )
            )
        );
    }
}
