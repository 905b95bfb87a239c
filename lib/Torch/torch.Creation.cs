using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace TorchSharp;

public static partial class torch
{
    // -- filled ------------------------------------------------------------------------------------------------------

    private static readonly Op Empty = "aten::empty.memory_format", Zeros = "aten::zeros", Ones = "aten::ones", Full = "aten::full", Scalar_ = "aten::scalar_tensor";
    /// <summary>A tensor whose elements are whatever the memory holds.</summary>
    public static Tensor empty(ReadOnlySpan<long> size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => Leaf(Empty.Call(size, dtype, Arg.None, device), requires_grad);
    /// <summary>A tensor of zeros.</summary>
    public static Tensor zeros(ReadOnlySpan<long> size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => Leaf(Zeros.Call(size, dtype, Arg.None, device), requires_grad);
    /// <summary>A vector of zeros.</summary>
    public static Tensor zeros(long size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => zeros([size], dtype, device, requires_grad);
    /// <summary>A tensor of ones.</summary>
    public static Tensor ones(ReadOnlySpan<long> size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => Leaf(Ones.Call(size, dtype, Arg.None, device), requires_grad);
    /// <summary>A vector of ones.</summary>
    public static Tensor ones(long size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => ones([size], dtype, device, requires_grad);
    /// <summary>A tensor of one number.</summary>
    public static Tensor full(ReadOnlySpan<long> size, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => Leaf(Full.Call(size, value, dtype, Arg.None, device), requires_grad);
    /// <summary>A 0-dimensional tensor.</summary>
    internal static Tensor scalar_tensor(Scalar value, ScalarType dtype, Device device) => Scalar_.Call(value, dtype, Arg.None, device);

    private static readonly Op EmptyLike = "aten::empty_like", ZerosLike = "aten::zeros_like", OnesLike = "aten::ones_like", FullLike = "aten::full_like", RandnLike = "aten::randn_like";
    /// <summary>Uninitialised, with the input's shape, and its dtype and device unless given.</summary>
    public static Tensor empty_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => Leaf(EmptyLike.Call(input, dtype, Arg.None, device), requires_grad);
    /// <summary>Zeros, with the input's shape, and its dtype and device unless given.</summary>
    public static Tensor zeros_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => Leaf(ZerosLike.Call(input, dtype, Arg.None, device), requires_grad);
    /// <summary>Ones, with the input's shape, and its dtype and device unless given.</summary>
    public static Tensor ones_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => Leaf(OnesLike.Call(input, dtype, Arg.None, device), requires_grad);
    /// <summary>One number, with the input's shape, and its dtype and device unless given.</summary>
    public static Tensor full_like(Tensor input, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => Leaf(FullLike.Call(input, value, dtype, Arg.None, device), requires_grad);
    /// <summary>Normally distributed, with the input's shape, and its dtype and device unless given.</summary>
    public static Tensor randn_like(Tensor input, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => Leaf(RandnLike.Call(input, dtype, Arg.None, device), requires_grad);

    // -- sequences ---------------------------------------------------------------------------------------------------

    private static readonly Op Arange = "aten::arange.start_step", Linspace = "aten::linspace", Eye = "aten::eye.m";
    /// <summary>Numbers from start to stop (not included) in steps.</summary>
    public static Tensor arange(Scalar start, Scalar stop, Scalar step, ScalarType? dtype = null, Device? device = null, bool requires_grad = false)
    {
        // libtorch counts the steps in integers that overflow, and the processor traps.
        if (Math.Abs(stop.Real - start.Real) is >= 1L << 62 and < double.PositiveInfinity)
            throw new ArgumentException($"arange from {start} to {stop} spans more than 64-bit integers count.");
        return Leaf(Arange.Call(start, stop, step, dtype, Arg.None, device), requires_grad);
    }
    /// <summary>Numbers from start to stop (not included) in steps of 1.</summary>
    public static Tensor arange(Scalar start, Scalar stop, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => arange(start, stop, 1, dtype, device, requires_grad);
    /// <summary>Numbers from 0 to stop (not included) in steps of 1.</summary>
    public static Tensor arange(Scalar stop, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => arange(0, stop, 1, dtype, device, requires_grad);
    /// <summary>Evenly spaced numbers, both ends included.</summary>
    public static Tensor linspace(double start, double end, long steps, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => Leaf(Linspace.Call(start, end, steps, dtype, Arg.None, device), requires_grad);
    /// <summary>Ones on the diagonal, zeros elsewhere.</summary>
    public static Tensor eye(long rows, long columns = -1L, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => Leaf(Eye.Call(rows, columns < 0 ? rows : columns, dtype, Arg.None, device), requires_grad);

    // -- random ------------------------------------------------------------------------------------------------------

    private static readonly Op Rand = "aten::rand.generator", Randn = "aten::randn.generator", Randint = "aten::randint.low_generator", Randperm = "aten::randperm.generator";
    /// <summary>Uniform random numbers from [0, 1).</summary>
    public static Tensor rand(ReadOnlySpan<long> size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null) => Leaf(Rand.Call(size, generator, dtype, Arg.None, device), requires_grad);
    /// <summary>Normally distributed random numbers of mean 0 and variance 1.</summary>
    public static Tensor randn(ReadOnlySpan<long> size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null) => Leaf(Randn.Call(size, generator, dtype, Arg.None, device), requires_grad);
    /// <summary>Random integers from low to high (not included), int64 unless another dtype is given.</summary>
    public static Tensor randint(long low, long high, long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null) => Leaf(Randint.Call(low, high, size, generator, dtype ?? ScalarType.Int64, Arg.None, device), requires_grad);
    /// <summary>Random integers from 0 to high (not included), int64 unless another dtype is given.</summary>
    public static Tensor randint(long high, long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null) => randint(0, high, size, dtype, device, requires_grad, generator);
    /// <summary>The integers from 0 to n - 1 in random order.</summary>
    public static Tensor randperm(long n, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null) => Leaf(Randperm.Call(n, generator, dtype ?? ScalarType.Int64, Arg.None, device), requires_grad);

    // -- from C# values ----------------------------------------------------------------------------------------------

    /// <summary>A 0-dimensional float32 tensor.</summary>
    public static Tensor tensor(float scalar, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => Leaf(scalar_tensor(scalar, dtype ?? ScalarType.Float32, device ?? CPU), requires_grad);
    /// <summary>A 0-dimensional float64 tensor.</summary>
    public static Tensor tensor(double scalar, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => Leaf(scalar_tensor(scalar, dtype ?? ScalarType.Float64, device ?? CPU), requires_grad);
    /// <summary>A 0-dimensional int64 tensor.</summary>
    public static Tensor tensor(long scalar, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => Leaf(scalar_tensor(scalar, dtype ?? ScalarType.Int64, device ?? CPU), requires_grad);
    /// <summary>A 0-dimensional int32 tensor.</summary>
    public static Tensor tensor(int scalar, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => Leaf(scalar_tensor(scalar, dtype ?? ScalarType.Int32, device ?? CPU), requires_grad);
    /// <summary>A 0-dimensional boolean tensor.</summary>
    public static Tensor tensor(bool scalar, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => Leaf(scalar_tensor(scalar, dtype ?? ScalarType.Bool, device ?? CPU), requires_grad);

    /// <summary>A vector with a copy of the array.</summary>
    public static Tensor tensor<T>(T[] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) where T : unmanaged => tensor(rawArray, [rawArray?.Length ?? 0], dtype, device, requires_grad);

    /// <summary>A tensor of a shape with a copy of the array, in row-major order.</summary>
    /// <exception cref="ArgumentException">The shape's size is not the array's length.</exception>
    public static Tensor tensor<T>(T[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) where T : unmanaged =>
        rawArray is null ? throw new ArgumentNullException(nameof(rawArray)) : FromBytes(MemoryMarshal.AsBytes<T>(rawArray), rawArray.Length, dimensions, ToScalarType(typeof(T)), dtype, device, requires_grad);

    /// <summary>A matrix with a copy of the array.</summary>
    public static Tensor tensor<T>(T[,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) where T : unmanaged => from_array(rawArray, dtype, device, requires_grad);

    /// <summary>A tensor with the shape and a copy of a C# array of any rank.</summary>
    /// <exception cref="NotSupportedException">No tensor holds the array's element type.</exception>
    public static Tensor from_array(Array rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false)
    {
        ArgumentNullException.ThrowIfNull(rawArray);
        var element = ToScalarType(rawArray.GetType().GetElementType()!);
        var sizes = new long[rawArray.Rank];
        for (int d = 0; d < sizes.Length; d++) sizes[d] = rawArray.GetLongLength(d);
        int size = element switch { ScalarType.Float64 or ScalarType.Int64 => 8, ScalarType.Float32 or ScalarType.Int32 => 4, ScalarType.Float16 or ScalarType.Int16 => 2, _ => 1 };
        var data = MemoryMarshal.CreateReadOnlySpan(ref MemoryMarshal.GetArrayDataReference(rawArray), checked(rawArray.Length * size));
        return FromBytes(data, rawArray.LongLength, sizes, element, dtype, device, requires_grad);
    }

    private static unsafe Tensor FromBytes(ReadOnlySpan<byte> data, long length, ReadOnlySpan<long> sizes, ScalarType element, ScalarType? dtype, Device? device, bool requiresGrad)
    {
        long wanted = 1;
        foreach (long size in sizes) wanted *= size;
        if (wanted != length) throw new ArgumentException($"The shape [{string.Join(", ", sizes.ToArray())}] holds {wanted} elements, but the array has {length}.");
        nint handle;
        fixed (byte* p = data) fixed (long* s = sizes) handle = Native.Check(Native.pk_from_bytes(p, data.Length, s, sizes.Length, (int)element), "tensor");
        var made = new Tensor(handle, data.Length);
        bool moved = (dtype is { } d && d != element) || (device is not null && device.type != DeviceType.CPU);
        return Leaf(moved ? made.to(dtype ?? element, device ?? CPU, disposeAfter: true) : made, requiresGrad);
    }

    private static Tensor Leaf(Tensor tensor, bool requiresGrad) => requiresGrad ? tensor.with_requires_grad() : tensor;
}
