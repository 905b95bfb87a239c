using static TorchSharp.torch;

namespace PatchKit.Checkpoints.Pickle;

/// <summary>
/// A storage as a pickle mentions it: with a dtype or without, whole or, in the oldest files, a run of it.
/// </summary>
internal sealed class PickleStorage(SharedStorage shared, ScalarType? element)
{
    /// <summary>The dtype of the class that the pickle names; null for plain bytes.</summary>
    internal ScalarType? Element => element;

    /// <summary>Where the run begins, in elements.</summary>
    internal long Offset { get; init; }

    /// <summary>The length of the run in elements; null for the whole storage.</summary>
    internal long? Length { get; init; }

    internal string Key => shared.Key;

    /// <summary>The storage as elements of a dtype, which must be the class's where that has one.</summary>
    internal CheckpointStorage As(ScalarType wanted, PickleContext context) =>
        element is null || element == wanted
            ? shared.As(wanted, context)
            : throw context.Wrong(
                $"views storage {Words.Safe(Key)} as {ElementTypes.TorchName(element.Value)} and "
                    + $"as {ElementTypes.TorchName(wanted)}"
            );
}
