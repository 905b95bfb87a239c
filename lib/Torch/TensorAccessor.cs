using System.Collections;

namespace TorchSharp.Utils;

/// <summary>The elements of a CPU tensor in order, readable from C#. The tensor stays alive while this does.</summary>
/// <typeparam name="T">The C# type of the tensor's dtype.</typeparam>
public sealed unsafe class TensorAccessor<T> : IDisposable, IEnumerable<T> where T : unmanaged
{
    private readonly torch.Tensor _tensor;

    internal TensorAccessor(torch.Tensor tensor) => _tensor = tensor;

    /// <summary>The number of elements.</summary>
    public long Count => _tensor.numel();

    /// <summary>A copy of all elements in row-major order.</summary>
    public T[] ToArray()
    {
        var array = new T[Count];
        CopyTo(array.AsSpan());
        return array;
    }

    /// <summary>Copies the elements from <paramref name="tensorIndex"/> on into an array, until either ends.</summary>
    public void CopyTo(T[] array, int arrayIndex = 0, long tensorIndex = 0) => CopyTo(array.AsSpan(), arrayIndex, tensorIndex);

    /// <summary>Copies the elements from <paramref name="tensorIndex"/> on into a span, until either ends.</summary>
    public void CopyTo(Span<T> array, int arrayIndex = 0, long tensorIndex = 0)
    {
        if (arrayIndex < 0 || arrayIndex > array.Length) throw new ArgumentOutOfRangeException(nameof(arrayIndex), $"index {arrayIndex} is outside the array of {array.Length} elements.");
        if (tensorIndex < 0 || tensorIndex > Count) throw new ArgumentOutOfRangeException(nameof(tensorIndex), $"index {tensorIndex} is outside the tensor of {Count} elements.");
        using var plain = _tensor.detach();
        using var ordered = plain.contiguous();
        long n = Math.Min(Count - tensorIndex, array.Length - arrayIndex);
        new ReadOnlySpan<T>((T*)ordered.DataPointer + tensorIndex, checked((int)n)).CopyTo(array[arrayIndex..]);
        GC.KeepAlive(ordered);
    }

    /// <summary>The element at an index of as many numbers as the tensor has dimensions.</summary>
    /// <exception cref="IndexOutOfRangeException">An index is out of its dimension's range.</exception>
    public T this[params long[] indices]
    {
        get
        {
            long[] shape = _tensor.shape, stride = _tensor.stride();
            if (indices.Length != shape.Length)
                throw new ArgumentException($"{indices.Length} indices were given, but the tensor has {shape.Length} dimensions.");
            long offset = 0;
            for (int i = 0; i < indices.Length; i++)
            {
                if (indices[i] < 0 || indices[i] >= shape[i])
                    throw new IndexOutOfRangeException($"index {indices[i]} of dimension {i} is outside 0..{shape[i] - 1}.");
                offset += indices[i] * stride[i];
            }
            T value = ((T*)_tensor.DataPointer)[offset];
            GC.KeepAlive(_tensor);
            return value;
        }
    }

    /// <inheritdoc/>
    public IEnumerator<T> GetEnumerator() => ((IEnumerable<T>)ToArray()).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
