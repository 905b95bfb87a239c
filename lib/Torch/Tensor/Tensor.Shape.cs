namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        private static readonly Op Reshape = "aten::reshape", View = "aten::view", Permute = "aten::permute", Transpose = "aten::transpose.int", Flatten = "aten::flatten.using_ints";
        /// <summary>The same elements in another shape; copies if it must. One size may be -1.</summary>
        public Tensor reshape(params long[] shape) => Reshape.Call(this, shape);
        /// <summary>The same memory in another shape. One size may be -1.</summary>
        public Tensor view(params long[] shape) => View.Call(this, shape);
        /// <summary>The dimensions in another order.</summary>
        public Tensor permute(params long[] permutation) => Permute.Call(this, permutation);
        /// <summary>Two dimensions exchanged.</summary>
        public Tensor transpose(long dim0, long dim1) => Transpose.Call(this, dim0, dim1);
        /// <summary>The last two dimensions exchanged.</summary>
        public Tensor mT => transpose(-2, -1);
        /// <summary>A run of dimensions as one.</summary>
        public Tensor flatten(long start_dim = 0, long end_dim = -1) => Flatten.Call(this, start_dim, end_dim);
        /// <summary>A dimension as several; one size may be -1.</summary>
        public Tensor unflatten(long dim, params long[] sizes)
        {
            int at = (int)(dim < 0 ? dim + ndim : dim);
            long[] shape = this.shape;
            return reshape([.. shape[..at], .. sizes, .. shape[(at + 1)..]]);
        }

        private static readonly Op Unsqueeze = "aten::unsqueeze", Squeeze = "aten::squeeze", SqueezeDim = "aten::squeeze.dim", Expand = "aten::expand", ExpandAs = "aten::expand_as", Repeat = "aten::repeat", RepeatInterleave = "aten::repeat_interleave.self_int", Contiguous = "aten::contiguous", Clone = "aten::clone", Alias = "aten::alias";
        /// <summary>A new dimension of size 1.</summary>
        public Tensor unsqueeze(long dim) => Unsqueeze.Call(this, dim);
        /// <summary>Without dimensions of size 1: all of them, or one.</summary>
        public Tensor squeeze(long? dim = null) => dim is { } d ? SqueezeDim.Call(this, d) : Squeeze.Call(this);
        /// <summary>Dimensions of size 1 repeated without copying; -1 keeps a size.</summary>
        public Tensor expand(params long[] sizes) => Expand.Call(this, sizes);
        /// <summary>Expanded to another tensor's shape.</summary>
        public Tensor expand_as(Tensor other) => ExpandAs.Call(this, other);
        /// <summary>The whole tensor repeated along each dimension.</summary>
        public Tensor repeat(params long[] sizes) => Repeat.Call(this, sizes);
        /// <summary>Each element repeated along a dimension.</summary>
        public Tensor repeat_interleave(long repeats, long? dim = null) => RepeatInterleave.Call(this, repeats, dim);
        /// <summary>The elements in memory in order; this tensor itself if they are.</summary>
        public Tensor contiguous() => Contiguous.Call(this);
        /// <summary>A copy, recorded for differentiation.</summary>
        public Tensor clone() => Clone.Call(this);
        /// <summary>A second handle to the same memory.</summary>
        public Tensor alias() => Alias.Call(this);

        private static readonly Op Flip = "aten::flip", Roll = "aten::roll", Tril = "aten::tril", Triu = "aten::triu", Diagonal = "aten::diagonal", Unfold = "aten::unfold";
        /// <summary>The order along dimensions reversed.</summary>
        public Tensor flip(params long[] dims) => Flip.Call(this, dims);
        /// <summary>Elements shifted along dimensions; those that leave at the end come in at the start.</summary>
        public Tensor roll(long[] shifts, long[] dims) => Roll.Call(this, shifts, dims);
        /// <summary>The lower triangle of the last two dimensions; zeros above.</summary>
        public Tensor tril(long diagonal = 0) => Tril.Call(this, diagonal);
        /// <summary>The upper triangle of the last two dimensions; zeros below.</summary>
        public Tensor triu(long diagonal = 0) => Triu.Call(this, diagonal);
        /// <summary>A diagonal of two dimensions.</summary>
        public Tensor diagonal(long offset = 0L, long dim1 = 0L, long dim2 = 1L) => Diagonal.Call(this, offset, dim1, dim2);
        /// <summary>All windows of a size along a dimension, as a new last dimension.</summary>
        public Tensor unfold(long dimension, long size, long step) => Unfold.Call(this, dimension, size, step);

        private static readonly Op Split = "aten::split.Tensor", SplitSizes = "aten::split_with_sizes", Chunk = "aten::chunk", Unbind = "aten::unbind.int", Narrow = "aten::narrow", Select = "aten::select.int", SliceOp = "aten::slice.Tensor";
        /// <summary>Pieces of one size along a dimension; the last may be smaller.</summary>
        public Tensor[] split(long size, int dim = 0) => Split.CallList(this, size, dim);
        /// <summary>Pieces of given sizes along a dimension.</summary>
        public Tensor[] split(long[] sizes, long dim = 0) => SplitSizes.CallList(this, sizes, dim);
        /// <summary>A number of equal pieces along a dimension.</summary>
        public Tensor[] chunk(long chunks, long dim = 0L) => Chunk.CallList(this, chunks, dim);
        /// <summary>All slices along a dimension, without it.</summary>
        public Tensor[] unbind(long dimension = 0L) => Unbind.CallList(this, dimension);
        /// <summary>A run of a dimension.</summary>
        public Tensor narrow(long dim, long start, long length) => Narrow.Call(this, dim, start, length);
        /// <summary>One slice of a dimension, without it.</summary>
        public Tensor select(long dim, long index) => Select.Call(this, dim, index);
        /// <summary>From start to finish (not included) of a dimension, every step-th.</summary>
        public Tensor slice(long dim, long start, long finish, long step) => SliceOp.Call(this, dim, start, finish, step);

        private static readonly Op Matmul = "aten::matmul", Bmm = "aten::bmm", Mm = "aten::mm", Outer = "aten::outer";
        /// <summary>Matrix product over the last two dimensions, the others broadcast.</summary>
        public Tensor matmul(Tensor target) => Matmul.Call(this, target);
        /// <summary>Products of two equally long stacks of matrices.</summary>
        public Tensor bmm(Tensor batch2) => Bmm.Call(this, batch2);
        /// <summary>Product of two matrices.</summary>
        public Tensor mm(Tensor target) => Mm.Call(this, target);
        /// <summary>All products of two vectors' elements.</summary>
        public Tensor outer(Tensor vec2) => Outer.Call(this, vec2);

        private static readonly Op Gather = "aten::gather", Scatter = "aten::scatter_.src", ScatterAdd = "aten::scatter_add", ScatterAddInPlace = "aten::scatter_add_", IndexSelect = "aten::index_select", IndexAdd = "aten::index_add_", MaskedSelect = "aten::masked_select";
        /// <summary>Elements picked along a dimension by an index tensor of the result's shape.</summary>
        public Tensor gather(long dim, Tensor index) => Gather.Call(this, dim, index);
        /// <summary>Writes elements along a dimension to where an index tensor says, in place.</summary>
        public Tensor scatter_(long dim, Tensor index, Tensor src) => Scatter.InPlace(this, dim, index, src);
        /// <summary>Adds elements along a dimension to where an index tensor says.</summary>
        public Tensor scatter_add(long dim, Tensor index, Tensor src) => ScatterAdd.Call(this, dim, index, src);
        /// <summary>Adds elements along a dimension to where an index tensor says, in place.</summary>
        public Tensor scatter_add_(long dim, Tensor index, Tensor src) => ScatterAddInPlace.InPlace(this, dim, index, src);
        /// <summary>Slices of a dimension in the order of an index vector.</summary>
        public Tensor index_select(long dim, Tensor index) => IndexSelect.Call(this, dim, index);
        /// <summary>Adds slices to those of a dimension that an index vector names, in place.</summary>
        public Tensor index_add_(long dim, Tensor index, Tensor source, Scalar alpha) => IndexAdd.InPlace(this, dim, index, source, alpha);
        /// <summary>The elements where the mask is true, as a vector.</summary>
        public Tensor masked_select(Tensor mask) => MaskedSelect.Call(this, mask);

        // -- dtype and device ----------------------------------------------------------------------------------------

        private static readonly Op To = "aten::to.dtype_layout";
        /// <summary>Converted to a dtype; this tensor itself if it has it.</summary>
        public Tensor to(ScalarType type, bool copy = false, bool disposeAfter = false, bool non_blocking = false) => Convert(type, null, copy, disposeAfter, non_blocking);
        /// <summary>On a device; this tensor itself if it is there.</summary>
        /// <exception cref="TorchException">This libtorch or this machine has no such device.</exception>
        public Tensor to(Device device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) => Convert(null, device, copy, disposeAfter, non_blocking);
        /// <summary>Converted to a dtype, on a device.</summary>
        public Tensor to(ScalarType type, Device device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) => Convert(type, device, copy, disposeAfter, non_blocking);
        /// <summary>Converted to another tensor's dtype, on its device.</summary>
        public Tensor to(Tensor other, bool non_blocking = false) => other is null ? throw new ArgumentNullException(nameof(other)) : Convert(other.dtype, other.device, false, false, non_blocking);
        /// <summary>Converted to a dtype; this tensor itself if it has it.</summary>
        public Tensor to_type(ScalarType type, bool copy = false, bool disposeAfter = false, bool non_blocking = false) => Convert(type, null, copy, disposeAfter, non_blocking);
        private static readonly Op PinMemory = "aten::pin_memory";
        /// <summary>Copied to memory that a GPU reads by itself, so that <c>to(device, non_blocking: true)</c> need not be waited for.</summary>
        /// <exception cref="TorchException">This libtorch or this machine has no GPU.</exception>
        public Tensor pin_memory() => PinMemory.Call(this);
        /// <summary>On the CPU.</summary>
        public Tensor cpu() => to(CPU);
        /// <summary>On a CUDA device.</summary>
        public Tensor cuda(Device? device = null, bool non_blocking = false) => to(device ?? CUDA, non_blocking: non_blocking);
        /// <summary>As float32.</summary>
        public Tensor @float() => to(ScalarType.Float32);
        /// <summary>As float64.</summary>
        public Tensor @double() => to(ScalarType.Float64);
        /// <summary>As int64.</summary>
        public Tensor @long() => to(ScalarType.Int64);
        /// <summary>As boolean: true where not zero.</summary>
        public Tensor @bool() => to(ScalarType.Bool);

        private Tensor Convert(ScalarType? type, Device? device, bool copy, bool disposeAfter, bool nonBlocking)
        {
            var converted = To.Call(this, type, Arg.None, device, Arg.None, nonBlocking, copy);
            if (disposeAfter && converted._handle != _handle) Dispose();
            return converted;
        }
    }
}
