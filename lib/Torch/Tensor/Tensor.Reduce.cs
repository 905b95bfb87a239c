namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        private static readonly Op Sum = "aten::sum", SumDims = "aten::sum.dim_IntList", Mean = "aten::mean", MeanDims = "aten::mean.dim", Prod = "aten::prod";
        /// <summary>The sum of all elements.</summary>
        public Tensor sum(ScalarType? type = null) => Sum.Call(this, type);
        /// <summary>The sum along a dimension.</summary>
        public Tensor sum(long dim, bool keepdim = false, ScalarType? type = null) => SumDims.Call(this, dim, keepdim, type);
        /// <summary>The sum over dimensions.</summary>
        public Tensor sum(ReadOnlySpan<long> dim, bool keepdim = false, ScalarType? type = null) => SumDims.Call(this, dim, keepdim, type);
        /// <summary>The mean of all elements.</summary>
        public Tensor mean() => Mean.Call(this);
        /// <summary>The mean over dimensions.</summary>
        public Tensor mean(long[] dimensions, bool keepdim = false, ScalarType? type = null) => MeanDims.Call(this, dimensions, keepdim, type);
        /// <summary>The product of all elements.</summary>
        public Tensor prod(ScalarType? type = null) => Prod.Call(this, type);

        private static readonly Op Max = "aten::max", Min = "aten::min", MaxDim = "aten::max.dim", MinDim = "aten::min.dim", Amax = "aten::amax", Amin = "aten::amin", Argmax = "aten::argmax", Argmin = "aten::argmin";
        /// <summary>The largest element.</summary>
        public Tensor max() => Max.Call(this);
        /// <summary>The largest element along a dimension, and where it stands.</summary>
        public (Tensor values, Tensor indexes) max(long dim, bool keepdim = false) => MaxDim.Call2(this, dim, keepdim);
        /// <summary>The smallest element.</summary>
        public Tensor min() => Min.Call(this);
        /// <summary>The smallest element along a dimension, and where it stands.</summary>
        public (Tensor values, Tensor indexes) min(long dim, bool keepdim = false) => MinDim.Call2(this, dim, keepdim);
        /// <summary>The largest element over dimensions.</summary>
        public Tensor amax(long[] dims, bool keepdim = false) => Amax.Call(this, dims, keepdim);
        /// <summary>The smallest element over dimensions.</summary>
        public Tensor amin(long[] dims, bool keepdim = false) => Amin.Call(this, dims, keepdim);
        /// <summary>Where the largest element stands in the flattened tensor.</summary>
        public Tensor argmax() => Argmax.Call(this);
        /// <summary>Where the largest element stands along a dimension.</summary>
        public Tensor argmax(long dim, bool keepdim = false) => Argmax.Call(this, dim, keepdim);
        /// <summary>Where the smallest element stands along a dimension.</summary>
        public Tensor argmin(long dim, bool keepdim = false) => Argmin.Call(this, dim, keepdim);

        private static readonly Op Var = "aten::var.dim", VarAll = "aten::var", Std = "aten::std.dim", StdAll = "aten::std", Norm = "aten::norm.Scalar", LogSumExp = "aten::logsumexp", All = "aten::all", Any = "aten::any", AllDim = "aten::all.dim", AnyDim = "aten::any.dim";
        /// <summary>The variance of all elements.</summary>
        public Tensor var(bool unbiased = true) => VarAll.Call(this, unbiased);
        /// <summary>The variance along a dimension.</summary>
        public Tensor var(long dim, bool unbiased = true, bool keepdim = false) => Var.Call(this, dim, unbiased, keepdim);
        /// <summary>The standard deviation of all elements.</summary>
        public Tensor std(bool unbiased = true) => StdAll.Call(this, unbiased);
        /// <summary>The standard deviation along a dimension.</summary>
        public Tensor std(long dim, bool unbiased = true, bool keepdim = false) => Std.Call(this, dim, unbiased, keepdim);
        /// <summary>The p-norm of all elements.</summary>
        public Tensor norm(float p = 2.0f) => Norm.Call(this, (double)p);
        /// <summary>log(sum(exp(x))) along a dimension, computed stably.</summary>
        public Tensor logsumexp(long dim, bool keepdim = false) => LogSumExp.Call(this, dim, keepdim);
        /// <summary>Whether all elements are true.</summary>
        public Tensor all() => All.Call(this);
        /// <summary>Whether all elements along a dimension are true.</summary>
        public Tensor all(long dim, bool keepdim = false) => AllDim.Call(this, dim, keepdim);
        /// <summary>Whether any element is true.</summary>
        public Tensor any() => Any.Call(this);
        /// <summary>Whether any element along a dimension is true.</summary>
        public Tensor any(long dim, bool keepdim = false) => AnyDim.Call(this, dim, keepdim);

        private static readonly Op Cumsum = "aten::cumsum", Topk = "aten::topk", Sort = "aten::sort", Argsort = "aten::argsort", Bincount = "aten::bincount", Nonzero = "aten::nonzero", Unique = "aten::_unique2";
        /// <summary>Running sums along a dimension.</summary>
        public Tensor cumsum(long dim, ScalarType? type = null) => Cumsum.Call(this, dim, type);
        /// <summary>The k largest (or smallest) elements along a dimension, and where they stand.</summary>
        public (Tensor values, Tensor indexes) topk(int k, int dim = -1, bool largest = true, bool sorted = true) => Topk.Call2(this, k, dim, largest, sorted);
        /// <summary>The elements in order along a dimension, and where they stood.</summary>
        public (Tensor Values, Tensor Indices) sort(long dim = -1, bool descending = false) => Sort.Call2(this, dim, descending);
        /// <summary>The indices that sort a dimension.</summary>
        public Tensor argsort(long dim = -1, bool descending = false) => Argsort.Call(this, dim, descending);
        /// <summary>How often each non-negative integer occurs.</summary>
        public Tensor bincount(Tensor? weights = null, long minlength = 0)
        {
            // libtorch makes room for the largest value + 1, and writes outside it where that sum overflows.
            if (dtype == ScalarType.Int64 && numel() > 0)
            {
                using var largest = max();
                if (largest.ToInt64() == long.MaxValue) throw new ArgumentException($"bincount has no room to count up to {long.MaxValue}.");
            }
            return Bincount.Call(this, weights, minlength);
        }
        /// <summary>The indices of all elements that are not zero, one row each.</summary>
        public Tensor nonzero() => Nonzero.Call(this);
        /// <summary>The distinct elements, and on request each element's place among them and their counts.</summary>
        public (Tensor output, Tensor? inverse_indices, Tensor? counts) unique(bool sorted = true, bool return_inverse = false, bool return_counts = false)
        {
            var (output, inverse, counts) = Unique.Call3(this, sorted, return_inverse, return_counts);
            if (!return_inverse) inverse.Dispose();
            if (!return_counts) counts.Dispose();
            return (output, return_inverse ? inverse : null, return_counts ? counts : null);
        }
    }
}
