using PatchKit.Checkpoints.Pickle;
using static TorchSharp.torch;

namespace PatchKit.Checkpoints;

/// <summary>
/// Bounds the tree that a pickle described, so that whoever walks it comes to an end: a list may hold itself, or twice
/// a list that holds twice another. Replaces what is left of names and storages by values.
/// </summary>
internal sealed class CheckpointTree
{
    private const int Deepest = 64;
    private const long MostValues = 4L << 20;

    private readonly PickleContext _context;
    private readonly Dictionary<object, (int Height, long Values)> _known = new(ReferenceEqualityComparer.Instance);

    private CheckpointTree(PickleContext context) => _context = context;

    /// <exception cref="CheckpointException">It is too deep, holds itself, or unfolds to too many values.</exception>
    internal static object? Bound(object? root, PickleContext context)
    {
        root = Value(root, context);
        new CheckpointTree(context).Visit(root, 0);
        return root;
    }

    private (int Height, long Values) Visit(object? node, int depth)
    {
        if (node is not (OrderedDictionary<object, object?> or IList<object?> or PickleRecord))
            return (0, 1);
        bool seen = _known.TryGetValue(node, out var extent);
        if (depth + extent.Height > Deepest)
            throw _context.Wrong($"nests lists and dictionaries more than {Deepest} deep");
        if (seen)
            return extent;
        _context.Allowance.Charge(64);
        extent.Values = 1;
        switch (node)
        {
            case OrderedDictionary<object, object?> dictionary:
                for (int i = 0; i < dictionary.Count; i++)
                    dictionary.SetAt(i, Child(dictionary.GetAt(i).Value));
                break;
            case IList<object?> list:
                for (int i = 0; i < list.Count; i++)
                    list[i] = Child(list[i]);
                break;
            case PickleRecord record:
                for (int i = 0; i < record.Writable.Count; i++)
                    record.Writable.SetAt(i, Child(record.Writable.GetAt(i).Value));
                break;
        }
        if (extent.Values > MostValues)
            throw _context.Wrong($"unfolds to more than {MostValues:N0} values");
        _known[node] = extent;
        return extent;

        object? Child(object? child)
        {
            child = Value(child, _context);
            var (height, values) = Visit(child, depth + 1);
            extent = (Math.Max(extent.Height, height + 1), Math.Min(extent.Values + values, MostValues + 1));
            return child;
        }
    }

    private static object? Value(object? node, PickleContext context) =>
        node switch
        {
            PickleGlobal global => global.Name,
            NumpyValue.NumpyType type => type.ToString(),
            PickleStorage storage => storage.As(storage.Element ?? ScalarType.Byte, context) is var made
                ? CheckpointTensor.Create(
                    context.Path,
                    context.Allowance,
                    made,
                    storage.Offset,
                    [storage.Length ?? made.Count],
                    [1]
                )
                : null,
            _ => node,
        };
}
