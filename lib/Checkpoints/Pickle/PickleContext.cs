using static TorchSharp.torch;

namespace PatchKit.Checkpoints.Pickle;

/// <summary>
/// What the callables of the allow-list need to know: the file, what it may allocate and where its storages are.
/// </summary>
/// <param name="path">the file.</param>
/// <param name="allowance">what opening it may allocate.</param>
/// <param name="findStorage">makes the storage of a persistent id: its key, dtype (null where it has none) and number
/// of elements.</param>
internal sealed class PickleContext(
    string path,
    Allowance allowance,
    Func<PickleContext, object?[], PickleStorage>? findStorage = null
)
{
    internal string Path => path;

    internal Allowance Allowance => allowance;

    internal PickleStorage Storage(object? persistentId) =>
        findStorage is not null && persistentId is object?[] id
            ? findStorage(this, id)
            : throw Wrong("refers to something outside itself where torch.save writes no such reference");

    internal CheckpointException Wrong(string what) =>
        new(path, $"has a pickle that {what}; it is damaged, or torch.save did not write it.");

    /// <summary>A value of the type that a callable needs.</summary>
    internal T Expect<T>(object? value, string what) =>
        value is T wanted ? wanted : throw Wrong($"gives {Kind(value)} as {what}");

    /// <summary>The numbers of a shape or of strides.</summary>
    internal long[] Longs(object? value, string what)
    {
        const int MostDimensions = 64;
        var entries = Expect<IReadOnlyList<object?>>(value, what);
        if (entries.Count > MostDimensions)
            throw Wrong($"gives {entries.Count} numbers as {what}, where {MostDimensions} are the most");
        var numbers = new long[entries.Count];
        for (int i = 0; i < numbers.Length; i++)
            numbers[i] = Expect<long>(entries[i], what);
        return numbers;
    }

    internal void ExpectArguments(object?[] arguments, int fewest, int most, string callable)
    {
        if (arguments.Length < fewest || arguments.Length > most)
            throw Wrong($"gives {callable} {arguments.Length} arguments where it takes {fewest} to {most}");
    }

    internal static string Kind(object? value) =>
        value switch
        {
            null => "None",
            bool => "a boolean",
            long or System.Numerics.BigInteger => "an integer",
            double => "a float",
            string text => $"the string \"{Words.Safe(text)}\"",
            byte[] => "bytes",
            object?[] => "a tuple",
            List<object?> => "a list",
            OrderedDictionary<object, object?> => "a dictionary",
            PickleGlobal global => global.Name,
            PickleStorage => "a storage",
            CheckpointTensor => "a tensor",
            ScalarType => "a dtype",
            _ => "an object",
        };
}
