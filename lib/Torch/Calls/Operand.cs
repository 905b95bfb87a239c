using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace PatchKit.Torch.Calls;

/// <summary>
/// A tensor as a kernel sees it: its memory, sizes and strides, read once by libtorch's stable C functions (3 ns each;
/// TorchSharp's shape takes a microsecond). Valid while the tensor lives; absent where there is none.
/// </summary>
internal readonly unsafe partial struct Operand
{
    private readonly long* _sizes,
        _strides;
    private readonly int _deviceType,
        _deviceIndex;

    /// <summary>The tensor; null where the operand is absent.</summary>
    internal readonly Tensor? Tensor;

    /// <summary>Its first element; 0 where it is absent or empty.</summary>
    internal readonly nint Data;

    /// <summary>How many dimensions it has.</summary>
    internal readonly int Dimensions;

    /// <summary>Its element type.</summary>
    internal readonly ScalarType Type;

    /// <exception cref="ArgumentException">The tensor has no strided memory.</exception>
    internal Operand(Tensor? tensor)
    {
        if (tensor is null)
            return;
        Tensor = tensor;
        nint handle = tensor.Handle;
        int failed =
            aoti_torch_get_data_ptr(handle, out Data)
            | aoti_torch_get_sizes(handle, out _sizes)
            | aoti_torch_get_strides(handle, out _strides)
            | aoti_torch_get_dim(handle, out long dimensions)
            | aoti_torch_get_dtype(handle, out int type)
            | aoti_torch_get_device_type(handle, out _deviceType)
            | aoti_torch_get_device_index(handle, out _deviceIndex);
        if (failed != 0)
            throw new ArgumentException($"a tensor on {tensor.device} has no memory with strides; give a dense one.");
        (Dimensions, Type) = ((int)dimensions, (ScalarType)type);
    }

    /// <summary>With the elements of the last dimension side by side; a copy where the tensor's are not.</summary>
    internal static Operand Rows(Tensor? tensor)
    {
        var operand = new Operand(tensor);
        return
            tensor is null || operand.Stride(operand.Dimensions - 1) == 1 || operand.Size(operand.Dimensions - 1) == 1
            ? operand
            : new Operand(tensor.contiguous());
    }

    /// <summary>Contiguous; a copy where the tensor is not.</summary>
    internal static Operand Contiguous(Tensor? tensor)
    {
        var operand = new Operand(tensor);
        return tensor is null || operand.IsContiguous ? operand : new Operand(tensor.contiguous());
    }

    /// <summary>Of the type and contiguous; a copy where the tensor is not.</summary>
    internal static Operand Contiguous(Tensor? tensor, ScalarType type) =>
        Contiguous(tensor is null || tensor.dtype == type ? tensor : tensor.to_type(type));

    internal bool Present => Tensor is not null;

    internal ReadOnlySpan<long> Shape => new(_sizes, Dimensions);

    internal long Size(int dimension) => _sizes[dimension];

    internal long Stride(int dimension) => _strides[dimension];

    /// <summary>How many elements it has.</summary>
    internal long Count
    {
        get
        {
            long count = 1;
            foreach (long size in Shape)
                count *= size;
            return count;
        }
    }

    internal bool IsFloating =>
        Type is ScalarType.Float32 or ScalarType.Float64 or ScalarType.BFloat16 or ScalarType.Float16;

    internal bool IsContiguous
    {
        get
        {
            long stride = 1;
            for (int i = Dimensions - 1; i >= 0; i--)
            {
                if (_sizes[i] != 1 && _strides[i] != stride)
                    return false;
                stride *= _sizes[i];
            }
            return true;
        }
    }

    internal bool IsOnDeviceOf(in Operand other) =>
        _deviceType == other._deviceType && _deviceIndex == other._deviceIndex;

    internal bool HasShapeOf(in Operand other) => Shape.SequenceEqual(other.Shape);

    /// <summary>The shape, as "[2, 65, 192]".</summary>
    public override string ToString() => Text(Shape);

    /// <summary>A shape, as "[2, 65, 192]".</summary>
    internal static string Text(ReadOnlySpan<long> shape) => $"[{string.Join(", ", shape.ToArray())}]";

    // Views are how kernels take strided operands: the data, and the strides before the last dimension's.
    internal View1 View1 => Tensor is null ? default : new() { Data = Data, Stride0 = _strides[0] };

    internal View2 View2 =>
        Tensor is null
            ? default
            : new()
            {
                Data = Data,
                Stride0 = _strides[0],
                Stride1 = _strides[1],
            };

    internal View3 View3 =>
        Tensor is null
            ? default
            : new()
            {
                Data = Data,
                Stride0 = _strides[0],
                Stride1 = _strides[1],
                Stride2 = _strides[2],
            };

    [LibraryImport(NativeLibraries.Torch), SuppressGCTransition]
    private static partial int aoti_torch_get_data_ptr(nint tensor, out nint data);

    [LibraryImport(NativeLibraries.Torch), SuppressGCTransition]
    private static partial int aoti_torch_get_sizes(nint tensor, out long* sizes);

    [LibraryImport(NativeLibraries.Torch), SuppressGCTransition]
    private static partial int aoti_torch_get_strides(nint tensor, out long* strides);

    [LibraryImport(NativeLibraries.Torch), SuppressGCTransition]
    private static partial int aoti_torch_get_dim(nint tensor, out long dimensions);

    [LibraryImport(NativeLibraries.Torch), SuppressGCTransition]
    private static partial int aoti_torch_get_dtype(nint tensor, out int type);

    [LibraryImport(NativeLibraries.Torch), SuppressGCTransition]
    private static partial int aoti_torch_get_device_type(nint tensor, out int type);

    [LibraryImport(NativeLibraries.Torch), SuppressGCTransition]
    private static partial int aoti_torch_get_device_index(nint tensor, out int index);
}

[StructLayout(LayoutKind.Sequential)]
internal struct View1
{
    internal nint Data;
    internal long Stride0;
}

[StructLayout(LayoutKind.Sequential)]
internal struct View2
{
    internal nint Data;
    internal long Stride0,
        Stride1;
}

[StructLayout(LayoutKind.Sequential)]
internal struct View3
{
    internal nint Data;
    internal long Stride0,
        Stride1,
        Stride2;
}
