using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace PatchKit.Torch;

/// <summary>
/// One argument of an <see cref="Operator"/>. libtorch takes each as 64 bits: a number, or a handle that it frees; null
/// is <see cref="None"/>. Where the operator's schema has an optional, a value is given by <see cref="Some"/>.
/// </summary>
internal readonly unsafe struct Argument
{
    private readonly object? _object;
    private readonly ulong _bits;
    private readonly bool _optional;

    private Argument(object? own, ulong bits, bool optional = false) =>
        (_object, _bits, _optional) = (own, bits, optional);

    /// <summary>An optional without a value.</summary>
    internal static Argument None => default;

    /// <summary>An optional with a value.</summary>
    internal static Argument Some(Argument value) => new(value._object, value._bits, optional: true);

    public static implicit operator Argument(Tensor tensor) => new(tensor, 0);

    public static implicit operator Argument(Tensor[] tensors) => new(tensors, 0);

    public static implicit operator Argument(long number) => new(null, (ulong)number);

    public static implicit operator Argument(double number) => new(null, BitConverter.DoubleToUInt64Bits(number));

    public static implicit operator Argument(bool truth) => new(null, truth ? 1UL : 0);

    /// <summary>The bits for one call, which the call uses up.</summary>
    internal ulong Bits()
    {
        ulong bits = _object switch
        {
            null => _bits,
            Tensor tensor => Bits(tensor),
            _ => Bits((Tensor[])_object),
        };
        if (!_optional)
            return bits;
        ulong* box = (ulong*)NativeMemory.Alloc(sizeof(ulong)); // libtorch deletes it
        *box = bits;
        return (ulong)box;
    }

    /// <summary>"Float32 [2, 3]" of a tensor, "[Float32 [2, 3], ...]" of tensors; null of other arguments.</summary>
    internal string? Shape =>
        _object switch
        {
            Tensor tensor => Text(tensor),
            Tensor[] tensors =>
                $"[{string.Join(", ", tensors.Take(3).Select(Text))}{(tensors.Length > 3 ? ", ..." : "")}]",
            _ => null,
        };

    private static string Text(Tensor tensor) => $"{tensor.dtype} [{string.Join(", ", tensor.shape)}]";

    private static ulong Bits(Tensor tensor)
    {
        Check(Libtorch.aoti_torch_new_tensor_handle(tensor.Handle, out nint handle), "aoti_torch_new_tensor_handle");
        GC.KeepAlive(tensor);
        return (ulong)handle;
    }

    private static ulong Bits(Tensor[] tensors)
    {
        Check(
            Libtorch.torch_new_list_reserve_size((nuint)tensors.Length, out nint list),
            "torch_new_list_reserve_size"
        );
        foreach (var tensor in tensors)
            Check(Libtorch.torch_list_push_back(list, Bits(tensor)), "torch_list_push_back");
        return (ulong)list;
    }

    private static void Check(int code, string function)
    {
        if (code != 0)
            throw new ExternalException($"libtorch's {function} failed, and wrote why on standard error.");
    }
}
