namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        private static readonly Op Index = "aten::index.Tensor", IndexPut = "aten::index_put_";

        /// <summary>A part of the tensor, as in t[0, TensorIndex.Ellipsis, 2..5]; assignable.</summary>
        /// <exception cref="ArgumentException">There are more indices than dimensions, or more than one ellipsis.</exception>
        /// <exception cref="TorchException">An index is out of range.</exception>
        public Tensor this[params TensorIndex[] indices]
        {
            get
            {
                var (basic, advanced) = View_(indices);
                if (advanced is null) return ReferenceEquals(basic, this) ? alias() : basic;
                var picked = Index.Call(basic, advanced);
                if (!ReferenceEquals(basic, this)) basic.Dispose();
                return picked;
            }
            set
            {
                ArgumentNullException.ThrowIfNull(value);
                var (basic, advanced) = View_(indices);
                if (advanced is null)
                {
                    Copy.Invoke(basic, value);
                }
                else
                {
                    using var converted = value.to(basic.dtype);
                    IndexPut.Invoke(basic, advanced, converted, false);
                }
                if (!ReferenceEquals(basic, this)) basic.Dispose();
            }
        }

        /// <summary>A slice of the first dimension; assignable.</summary>
        public Tensor this[long i1]
        {
            get => select(0, i1);
            set => this[[TensorIndex.Single(i1)]] = value;
        }

        /// <summary>A slice of the first two dimensions; assignable.</summary>
        public Tensor this[long i1, long i2]
        {
            get => this[[TensorIndex.Single(i1), TensorIndex.Single(i2)]];
            set => this[[TensorIndex.Single(i1), TensorIndex.Single(i2)]] = value;
        }

        /// <summary>Writes a number into a part of the tensor.</summary>
        public Tensor index_put_(Scalar value, params TensorIndex[] indices)
        {
            using var number = scalar_tensor(value, dtype, device);
            this[indices] = number;
            return this;
        }

        /// <summary>
        /// Applies numbers, slices, ellipsis and new dimensions as views; leaves the tensors for aten::index: one for each dimension,
        /// null where there is none, and a boolean mask for as many as it has.
        /// </summary>
        private (Tensor Basic, Tensor?[]? Advanced) View_(TensorIndex[] indices)
        {
            long consumed = indices.Sum(Consumed);
            if (consumed > ndim)
                throw new ArgumentException($"{consumed} dimensions are indexed, but the tensor has {ndim}, of shape [{string.Join(", ", shape)}].");
            if (indices.Count(i => i.kind == TensorIndex.Kind.Ellipsis) > 1)
                throw new ArgumentException("An index expression has one ellipsis at most.");

            var view = this;
            var tensors = new List<Tensor?>();
            long at = 0; // the dimension of the view that the next index is for
            foreach (var index in indices)
            {
                switch (index.kind)
                {
                    case TensorIndex.Kind.Single:
                        Step(view.select(at, index.start!.Value));
                        break;
                    case TensorIndex.Kind.Slice:
                        if (index.start is not null || index.stop is not null || index.step is not null)
                            Step(SliceOp.Call(view, at, index.start, index.stop, index.step ?? 1));
                        Skip(1);
                        break;
                    case TensorIndex.Kind.Null:
                        Step(view.unsqueeze(at));
                        Skip(1);
                        break;
                    case TensorIndex.Kind.Ellipsis:
                        Skip(ndim - consumed);
                        break;
                    // As in PyTorch, an index of no dimensions is a number, and a mask of none picks all or nothing along a new dimension.
                    case TensorIndex.Kind.Tensor when index.tensor!.ndim == 0 && !IsMask(index.tensor):
                        Step(view.select(at, index.tensor.ToInt64()));
                        break;
                    case TensorIndex.Kind.Tensor when index.tensor!.ndim == 0:
                        Step(view.unsqueeze(at++));
                        tensors.Add(index.tensor.unsqueeze(0));
                        break;
                    case TensorIndex.Kind.Tensor:
                        tensors.Add(index.tensor);
                        at += Consumed(index);
                        break;
                }
            }
            return (view, tensors.Any(t => t is not null) ? [.. tensors] : null);

            void Step(Tensor next)
            {
                if (!ReferenceEquals(view, this)) view.Dispose();
                view = next;
            }

            void Skip(long dimensions)
            {
                at += dimensions;
                for (long i = 0; i < dimensions; i++) tensors.Add(null);
            }
        }

        private static long Consumed(TensorIndex index) => index.kind switch
        {
            TensorIndex.Kind.Null or TensorIndex.Kind.Ellipsis => 0,
            TensorIndex.Kind.Tensor when IsMask(index.tensor!) => index.tensor!.ndim,
            _ => 1,
        };

        // libtorch still reads bytes as a mask.
        private static bool IsMask(Tensor index) => index.dtype is ScalarType.Bool or ScalarType.Byte;
    }
}
