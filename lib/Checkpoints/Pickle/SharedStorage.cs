using static TorchSharp.torch;

namespace PatchKit.Checkpoints.Pickle;

/// <summary>
/// The storage that all mentions of a key mean. What its elements are may be known only by the first tensor, and all
/// must agree.
/// </summary>
internal sealed class SharedStorage(string key, long bytes, Func<ScalarType, CheckpointStorage> make)
{
    private CheckpointStorage? _made;
    private ScalarType? _element;

    internal string Key => key;

    internal long Bytes => bytes;

    /// <summary>A mention of the storage, as elements of a dtype or as plain bytes (null).</summary>
    internal PickleStorage Mention(ScalarType? element, long offset = 0, long? length = null) =>
        new(this, element) { Offset = offset, Length = length };

    /// <summary>The storage as elements of a dtype.</summary>
    internal CheckpointStorage As(ScalarType wanted, PickleContext context)
    {
        if (_made is not null && _made.DType == wanted)
            return _made;
        if (_element is { } known && bytes > 0)
            throw context.Wrong(
                $"views storage {Words.Safe(key)} as {ElementTypes.TorchName(known)} and "
                    + $"as {ElementTypes.TorchName(wanted)}"
            );
        if (bytes % ElementTypes.Size(wanted) != 0)
            throw context.Wrong(
                $"views the {bytes} bytes of storage {Words.Safe(key)} as {ElementTypes.TorchName(wanted)}, "
                    + "of which they are no whole number"
            );
        _element = wanted;
        return _made = make(wanted);
    }
}
