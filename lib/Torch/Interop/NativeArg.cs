using System.Runtime.InteropServices;

namespace TorchSharp;

/// <summary>What an argument or a result of a native call carries. Mirrors PkKind in lib/Native/bridge/abi.h.</summary>
internal enum NativeKind
{
    None = 0, Tensor = 1, Int = 2, Double = 3, Bool = 4, Ints = 5, Doubles = 6, Tensors = 7, Text = 8, Device = 9, Generator = 10,
}

/// <summary>One argument as the bridge reads it. Mirrors PkArg.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal unsafe struct NativeArg
{
    [FieldOffset(0)] public NativeKind Kind;
    [FieldOffset(4)] public int Count;
    [FieldOffset(8)] public nint Handle;
    [FieldOffset(8)] public long Int;
    [FieldOffset(8)] public void* List;
}

/// <summary>One result as the bridge writes it. Mirrors PkResult.</summary>
[StructLayout(LayoutKind.Explicit, Size = 24)]
internal unsafe struct NativeResult
{
    [FieldOffset(0)] public NativeKind Kind;
    [FieldOffset(4)] public int Count;
    [FieldOffset(8)] public nint Handle;
    [FieldOffset(8)] public long Int;
    [FieldOffset(8)] public double Double;
    [FieldOffset(8)] public nint* List;
    [FieldOffset(16)] public long Bytes;
}
