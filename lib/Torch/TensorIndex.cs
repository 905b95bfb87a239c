namespace TorchSharp;

public static partial class torch
{
    /// <summary>One place of an index expression: a number, a slice, an ellipsis, a new dimension, or a tensor of indices or of booleans.</summary>
    public struct TensorIndex
    {
        internal enum Kind { Slice, Single, Tensor, Ellipsis, Null }

        internal Kind kind;
        internal long? start;
        internal long? stop;
        internal long? step;
        internal Tensor? tensor;

        /// <summary>From start to stop (not included), every step-th; nulls mean the whole dimension.</summary>
        public static TensorIndex Slice(long? start = null, long? stop = null, long? step = null) =>
            new() { kind = Kind.Slice, start = start, stop = stop, step = step };

        /// <summary>One index; the dimension goes away.</summary>
        public static TensorIndex Single(long? index) => new() { kind = Kind.Single, start = index };

        /// <summary>A tensor of indices, or a boolean mask.</summary>
        public static TensorIndex Tensor(Tensor tensor) => new() { kind = Kind.Tensor, tensor = tensor ?? throw new ArgumentNullException(nameof(tensor), "An index tensor is null; use TensorIndex.Null for a new dimension.") };

        /// <summary>As many whole dimensions as are left.</summary>
        public static TensorIndex Ellipsis { get; } = new() { kind = Kind.Ellipsis };

        /// <summary>A new dimension of size 1.</summary>
        public static TensorIndex Null { get; } = new() { kind = Kind.Null };

        /// <summary>A whole dimension.</summary>
        public static TensorIndex Colon { get; } = Slice();

        /// <summary>One index.</summary>
        public static implicit operator TensorIndex(long value) => Single(value);

        /// <summary>A tensor of indices, or a boolean mask.</summary>
        public static implicit operator TensorIndex(Tensor value) => Tensor(value);

        /// <summary>A slice; ^1 counts from the end.</summary>
        public static implicit operator TensorIndex(Range range) => Slice(
            !range.Start.IsFromEnd ? range.Start.Value : range.Start.Value == 0 ? long.MaxValue : -range.Start.Value,
            !range.End.IsFromEnd ? range.End.Value : range.End.Value == 0 ? null : -range.End.Value);
    }
}
