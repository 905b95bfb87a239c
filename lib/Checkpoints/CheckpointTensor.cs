using static TorchSharp.torch;

namespace PatchKit.Checkpoints;

/// <summary>
/// A tensor in a checkpoint file. What it is was checked against the file when that was opened; its elements are read
/// by <see cref="Load"/>.
/// </summary>
public sealed class CheckpointTensor
{
    private readonly long[] _shape,
        _stride;
    private readonly long _offset;

    private CheckpointTensor(
        CheckpointStorage storage,
        long offset,
        long[] shape,
        long[] stride,
        long numel,
        long extent,
        bool requiresGrad
    )
    {
        (Source, _offset, _shape, _stride) = (storage, offset, shape, stride);
        (NumElements, Extent, RequiresGrad) = (numel, extent, requiresGrad);
    }

    /// <summary>The element type.</summary>
    public ScalarType DType => Source.DType;

    /// <summary>PyTorch's name of the element type, such as "float32".</summary>
    public string DTypeName => ElementTypes.TorchName(DType);

    /// <summary>The sizes of all dimensions.</summary>
    public IReadOnlyList<long> Shape => _shape;

    /// <summary>The steps from one index to the next in each dimension, in elements of the storage.</summary>
    public IReadOnlyList<long> Stride => _stride;

    /// <summary>Where the first element lies in the storage, in elements.</summary>
    public long Offset => _offset;

    /// <summary>The number of elements.</summary>
    public long NumElements { get; }

    /// <summary>The number of bytes that the elements take, each counted once.</summary>
    public long Bytes => NumElements * ElementTypes.Size(DType);

    /// <summary>The name of the storage that the tensor views; tensors that share one share their elements.</summary>
    public string Storage => Source.Name;

    /// <summary>
    /// Whether it was saved as a tensor that requires gradients, as a parameter is. Loaded tensors never do.
    /// </summary>
    public bool RequiresGrad { get; }

    internal CheckpointStorage Source { get; }

    /// <summary>The elements from the first to the last that the tensor looks at, with what lies between.</summary>
    private long Extent { get; }

    /// <summary>Reads the tensor: a copy of its own, in the shape and with the strides it was saved with.</summary>
    /// <exception cref="CheckpointException">The file is cut short or damaged there.</exception>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    public Tensor Load()
    {
        using var scope = NewDisposeScope();
        return Strided(Source.Read(_offset, Extent)).MoveToOuterDisposeScope();
    }

    /// <summary>The tensor as a view of its storage, which was read before.</summary>
    internal Tensor Over(Tensor storage)
    {
        using var scope = NewDisposeScope();
        return Strided(storage.narrow(0, _offset, Extent)).MoveToOuterDisposeScope();
    }

    internal CheckpointTensor With(bool requiresGrad) =>
        new(Source, _offset, _shape, _stride, NumElements, Extent, requiresGrad);

    /// <summary>"float32 [3, 16, 16]".</summary>
    public override string ToString() => $"{DTypeName} {Words.Shape(_shape)}";

    /// <summary>Checks that a tensor stays within its storage and that the file has room for it.</summary>
    /// <exception cref="CheckpointException">It does not.</exception>
    internal static CheckpointTensor Create(
        string path,
        Allowance allowance,
        CheckpointStorage storage,
        long offset,
        long[] shape,
        long[] stride,
        bool requiresGrad = false
    )
    {
        const int MostDimensions = 64,
            ObjectBytes = 700;
        // The tensor and its storage here, in C# and in libtorch, and its two lists of numbers.
        allowance.Charge(ObjectBytes + 16 * shape.Length);
        if (shape.Length > MostDimensions)
            throw Wrong($"with {shape.Length} dimensions; {MostDimensions} are the most");
        if (stride.Length != shape.Length)
            throw Wrong($"with {stride.Length} strides for {shape.Length} dimensions");
        if (
            offset < 0
            || shape.AsSpan().ContainsAnyExceptInRange(0, long.MaxValue)
            || stride.AsSpan().ContainsAnyExceptInRange(0, long.MaxValue)
        )
            throw Wrong($"with a negative size, stride {Words.Shape(stride.Take(8))} or offset {offset}");
        Int128 numel = 1,
            product = 1,
            last = offset;
        for (int d = 0; d < shape.Length; d++)
        {
            numel *= shape[d];
            // libtorch multiplies the sizes also where one of them is 0.
            product *= Math.Max(shape[d], 1);
            last += (Int128)Math.Max(shape[d] - 1, 0) * stride[d];
            if (product > long.MaxValue / 8 || last > long.MaxValue)
                throw Wrong("which no memory holds");
        }
        if (numel == 0)
            return new(storage, 0, shape, stride, 0, 0, requiresGrad);
        if (last >= storage.Count)
            throw Wrong(
                $"whose last element is number {last} of storage {Words.Safe(storage.Name)}, which "
                    + $"has {storage.Count} elements"
            );
        if (!allowance.IsPlausible((long)numel * ElementTypes.Size(storage.DType)))
            throw Wrong(
                $"which would take {numel * ElementTypes.Size(storage.DType)} bytes, more than twice the file's own"
            );
        return new(storage, offset, shape, stride, (long)numel, (long)last - offset + 1, requiresGrad);

        CheckpointException Wrong(string how) =>
            new(
                path,
                $"has a {ElementTypes.TorchName(storage.DType)} tensor of "
                    + $"shape {Words.Shape(shape.Take(8))} {how}; it is damaged, so download or save it again."
            );
    }

    // as_strided by operators that look at their bounds: a window that slides by a stride along the memory is a
    // dimension.
    private Tensor Strided(Tensor memory)
    {
        if (NumElements == 0)
            return empty(_shape, DType);
        var view = memory; // (extent)
        long window = Extent;
        for (int d = 0; d < _shape.Length; d++)
        {
            window -= (_shape[d] - 1) * _stride[d];
            view =
                _shape[d] == 1 || _stride[d] == 0
                    ? view.unsqueeze(-2).expand([.. _shape[..(d + 1)], window]) // (s0, ..., sd, window)
                    : view.unfold(d, window, _stride[d]); // (s0, ..., sd, window)
        }
        return view.squeeze(-1);
    }
}
