using static TorchSharp.torch;

namespace PatchKit.Checkpoints.Pickle;

/// <summary>A Python name that a pickle may mention, and what PatchKit does instead of calling it.</summary>
/// <param name="Name">module and name, such as "torch._utils._rebuild_tensor_v2".</param>
/// <param name="Call">makes an inert value of the arguments; null where the name may only be mentioned.</param>
internal sealed record PickleGlobal(string Name, Func<PickleContext, object?[], object?>? Call = null)
{
    /// <summary>Whether it is a class of storages.</summary>
    internal bool IsStorage { get; init; }

    /// <summary>The dtype of a class of storages; null for one of bytes without a type.</summary>
    internal ScalarType? Element { get; init; }

    /// <summary>What the name stands for where that is a value, such as a dtype.</summary>
    internal object? Value { get; init; }
}
