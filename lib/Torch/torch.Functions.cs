namespace TorchSharp;

public static partial class torch
{
    private static readonly Op Cat = "aten::cat", Stack = "aten::stack", Einsum = "aten::einsum", Meshgrid = "aten::meshgrid.indexing", Where = "aten::where.self", WhereScalar = "aten::where.ScalarOther", Baddbmm = "aten::baddbmm", Searchsorted = "aten::searchsorted.Tensor";
    /// <summary>Tensors joined along a dimension they have.</summary>
    public static Tensor cat(IList<Tensor> tensors, long dim = 0) => Cat.Call(AsArray(tensors), dim);
    /// <summary>Tensors of one shape joined along a new dimension.</summary>
    public static Tensor stack(IEnumerable<Tensor> tensors, long dim = 0) => Stack.Call(AsArray(tensors), dim);
    /// <summary>A sum of products in Einstein's notation, such as "bij,bjk->bik".</summary>
    public static Tensor einsum(string equation, params Tensor[] tensors) => Einsum.Call(equation, tensors);
    /// <summary>Coordinate grids of vectors; indexing "ij" or "xy".</summary>
    public static Tensor[] meshgrid(IEnumerable<Tensor> tensors, string indexing = "ij") => Meshgrid.CallList(AsArray(tensors), indexing);
    /// <summary>Elements of x where the condition holds, else of y.</summary>
    public static Tensor where(Tensor condition, Tensor x, Tensor y) => Where.Call(condition, x, y);
    /// <summary>Elements of x where the condition holds, else a number.</summary>
    public static Tensor where(Tensor condition, Tensor x, Scalar y) => WhereScalar.Call(condition, x, y);
    /// <summary>beta * input + alpha * batch1 @ batch2, for stacks of matrices.</summary>
    public static Tensor baddbmm(Tensor input, Tensor batch1, Tensor batch2, float beta = 1, float alpha = 1) => Baddbmm.Call(input, batch1, batch2, (double)beta, (double)alpha);

    /// <summary>Matrix product over the last two dimensions, the others broadcast.</summary>
    public static Tensor matmul(Tensor input, Tensor target) => input.matmul(target);
    /// <summary>Products of two equally long stacks of matrices.</summary>
    public static Tensor bmm(Tensor input, Tensor batch2) => input.bmm(batch2);
    /// <summary>Elementwise maximum.</summary>
    public static Tensor maximum(Tensor input, Tensor other) => input.maximum(other);
    /// <summary>Elementwise minimum.</summary>
    public static Tensor minimum(Tensor input, Tensor other) => input.minimum(other);
    /// <summary>e to each element.</summary>
    public static Tensor exp(Tensor input) => input.exp();
    /// <summary>Natural logarithm.</summary>
    public static Tensor log(Tensor input) => input.log();
    /// <summary>The elements in reverse order along dimensions.</summary>
    public static Tensor flip(Tensor input, params long[] dims) => input.flip(dims);

    private static Tensor[]? AsArray(IEnumerable<Tensor>? tensors) => tensors as Tensor[] ?? tensors?.ToArray();

    /// <summary>Opens a scope: tensors made in it on this thread are disposed with it, unless moved out or detached.</summary>
    public static DisposeScope NewDisposeScope() => DisposeScopeManager.ThreadSingleton.Open();
}
