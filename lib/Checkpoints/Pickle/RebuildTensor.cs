using static TorchSharp.torch;

namespace PatchKit.Checkpoints.Pickle;

/// <summary>
/// torch._utils' functions that make tensors of storages: (storage, offset, size, stride, requires_grad, hooks, ...).
/// </summary>
internal static class RebuildTensor
{
    internal static object Plain(PickleContext context, object?[] arguments)
    {
        context.ExpectArguments(arguments, 4, 4, "_rebuild_tensor");
        return Make(context, arguments, null, requiresGrad: false);
    }

    // What comes seventh, metadata, says such things as "is a conjugate", which the dtypes here cannot be.
    internal static object Second(PickleContext context, object?[] arguments)
    {
        context.ExpectArguments(arguments, 6, 7, "_rebuild_tensor_v2");
        return Make(context, arguments, null, context.Expect<bool>(arguments[4], "requires_grad"));
    }

    internal static object Third(PickleContext context, object?[] arguments)
    {
        context.ExpectArguments(arguments, 7, 8, "_rebuild_tensor_v3");
        return Make(
            context,
            arguments,
            context.Expect<ScalarType>(arguments[6], "a tensor's dtype"),
            context.Expect<bool>(arguments[4], "requires_grad")
        );
    }

    internal static object Parameter(PickleContext context, object?[] arguments)
    {
        context.ExpectArguments(arguments, 3, 4, "_rebuild_parameter");
        return context
            .Expect<CheckpointTensor>(arguments[0], "a parameter's tensor")
            .With(context.Expect<bool>(arguments[1], "requires_grad"));
    }

    // (function, type, arguments, state): a tensor with attributes, which are dropped.
    internal static object? FromType(PickleContext context, object?[] arguments)
    {
        context.ExpectArguments(arguments, 4, 4, "_rebuild_from_type_v2");
        var type = context.Expect<PickleGlobal>(arguments[1], "a tensor's class");
        var function = context.Expect<PickleGlobal>(arguments[0], "the function that makes a tensor");
        if (
            type.Name is not ("torch.Tensor" or "torch.nn.parameter.Parameter")
            || !function.Name.StartsWith("torch._utils._rebuild_", StringComparison.Ordinal)
        )
            throw context.Wrong($"makes a {type.Name} by {function.Name}");
        return function.Call!(context, context.Expect<object?[]>(arguments[2], "the arguments that make a tensor"));
    }

    private static CheckpointTensor Make(
        PickleContext context,
        object?[] arguments,
        ScalarType? dtype,
        bool requiresGrad
    )
    {
        var stored = context.Expect<PickleStorage>(arguments[0], "a tensor's storage");
        long offset = context.Expect<long>(arguments[1], "a tensor's offset");
        long[] shape = context.Longs(arguments[2], "a tensor's shape"),
            stride = context.Longs(arguments[3], "a tensor's strides");
        var storage = stored.As(
            dtype
                ?? stored.Element
                ?? throw context.Wrong($"makes a tensor of storage {Words.Safe(stored.Key)} without a dtype"),
            context
        );
        if (stored.Length is { } length && (Int128)offset + Last(shape, stride) >= length && !shape.Contains(0))
            throw context.Wrong(
                $"makes a tensor that leaves the {length} elements of a view of storage {Words.Safe(stored.Key)}"
            );
        if (offset < 0 || offset > long.MaxValue - stored.Offset)
            throw context.Wrong($"makes a tensor that begins at element {offset} of storage {Words.Safe(stored.Key)}");
        return CheckpointTensor.Create(
            context.Path,
            context.Allowance,
            storage,
            stored.Offset + offset,
            shape,
            stride,
            requiresGrad
        );
    }

    private static Int128 Last(long[] shape, long[] stride)
    {
        Int128 last = 0;
        for (int d = 0; d < Math.Min(shape.Length, stride.Length); d++)
            last += ((Int128)shape[d] - 1) * stride[d];
        return last;
    }
}
