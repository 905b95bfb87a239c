using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using static PatchKit.Tests.Torch.Expect;

namespace PatchKit.Tests.Torch;

/// <summary>Shapes, joins, picks, products and conversions.</summary>
public sealed class ShapeTests
{
    private static Tensor T => arange(6).reshape(2, 3);

    [Fact]
    public void ATensorKnowsWhatItIs()
    {
        var t = zeros([2, 3], float64).transpose(0, 1);
        Assert.Equal([3, 2], t.shape);
        Assert.Equal([1, 3], t.stride());
        Assert.Equal((2, 2, 6, 8), (t.dim(), t.ndim, t.numel(), t.element_size()));
        Assert.Equal((3, 2), (t.size(0), t.size(-1)));
        Assert.False(t.is_contiguous());
        Assert.True(t.is_floating_point());
        Assert.False(tensor(1).is_floating_point());
        Assert.NotEqual(0, t.Handle);
        Refused<IndexOutOfRangeException>(() => t.size(2), "dimension 2", "has 2", "-2 to 1");
    }

    [Fact]
    public void ShapesChangeWithoutChangingElements()
    {
        Is("[[0, 1], [2, 3], [4, 5]]", T.reshape(3, -1));
        Is("[0, 1, 2, 3, 4, 5]", T.view(6));
        Is("[[0, 3], [1, 4], [2, 5]]", T.permute(1, 0));
        Is("[[0, 3], [1, 4], [2, 5]]", T.transpose(0, 1));
        Is("[[0, 3], [1, 4], [2, 5]]", T.mT);
        Is("[0, 1, 2, 3, 4, 5]", T.flatten());
        Shape(zeros([2, 3, 4]).flatten(1), 2, 12);
        Shape(zeros([2, 3, 4]).flatten(0, 1), 6, 4);
        Shape(T.unsqueeze(1), 2, 1, 3);
        Shape(zeros([1, 2, 1]).squeeze(), 2);
        Shape(zeros([1, 2, 1]).squeeze(0), 2, 1);
        Shape(zeros([6, 2]).unflatten(0, [2, 3]), 2, 3, 2);
        Is("[[0, 3], [1, 4], [2, 5]]", T.mT.contiguous());
        Assert.True(T.mT.contiguous().is_contiguous());
    }

    [Fact]
    public void RepeatsAndExpansionsHaveTheirValues()
    {
        var row = tensor([1, 2]);
        Is("[[1, 2], [1, 2]]", row.expand(2, -1));
        Is("[[1, 2], [1, 2]]", row.expand_as(zeros([2, 2])));
        Is("[[1, 2, 1, 2], [1, 2, 1, 2]]", row.repeat(2, 2));
        Is("[1, 1, 2, 2]", row.repeat_interleave(2));
        Is("[[0, 0, 1, 1, 2, 2], [3, 3, 4, 4, 5, 5]]", T.repeat_interleave(2, 1));
        Assert.Equal([0, 1], row.expand(2, -1).stride());
    }

    [Fact]
    public void OrdersWithinADimensionChange()
    {
        Is("[[2, 1, 0], [5, 4, 3]]", T.flip(1));
        Is("[[5, 4, 3], [2, 1, 0]]", flip(T, 0, 1));
        Is("[[5, 3, 4], [2, 0, 1]]", T.roll([1, 1], [0, 1]));
        Is("[[0, 0, 0], [3, 4, 0]]", T.tril());
        Is("[[0, 1, 0], [3, 4, 5]]", T.tril(1));
        Is("[[0, 1, 2], [0, 4, 5]]", T.triu());
        Is("[[0, 1, 2], [3, 4, 5]]", T.triu(-1));
        Is("[0, 4]", T.diagonal());
        Is("[1, 5]", T.diagonal(1));
        Is("[0, 4]", T.unsqueeze(0).diagonal(0, 1, 2).squeeze());
        Is("[[0, 1, 2], [2, 3, 4]]", arange(6).unfold(0, 3, 2));
    }

    [Fact]
    public void PiecesAreViews()
    {
        Assert.Equal(["[[0], [3]]", "[[1], [4]]", "[[2], [5]]"], Texts(T.split(1, 1)));
        Assert.Equal(["[[0, 1, 2]]", "[[3, 4, 5]]"], Texts(T.split(1)));
        Assert.Equal(["[[0], [3]]", "[[1, 2], [4, 5]]"], Texts(T.split([1, 2], 1)));
        Assert.Equal(["[[0, 1], [3, 4]]", "[[2], [5]]"], Texts(T.chunk(2, 1)));
        Assert.Equal(["[0, 1, 2]", "[3, 4, 5]"], Texts(T.unbind()));
        Assert.Equal(["[0, 3]", "[1, 4]", "[2, 5]"], Texts(T.unbind(1)));
        Is("[[1, 2], [4, 5]]", T.narrow(1, 1, 2));
        Is("[2, 5]", T.select(1, -1));
        Is("[[0, 2], [3, 5]]", T.slice(1, 0, 3, 2));
        var t = T;
        t.split(1)[0].zero_();
        t.alias().select(0, 1).fill_(9);
        Is("[[0, 0, 0], [9, 9, 9]]", t);

        static string[] Texts(Tensor[] pieces) => Array.ConvertAll(pieces, p => p.ToString().Split(Environment.NewLine, 2)[1].Replace(Environment.NewLine, "").Replace("],", "], ").Replace("  ", " "));
    }

    [Fact]
    public void TensorsJoin()
    {
        var (a, b) = (tensor([1, 2]), tensor([3, 4]));
        Is("[1, 2, 3, 4]", cat([a, b]));
        Is("[[0, 1, 2, 0], [3, 4, 5, 3]]", cat(new List<Tensor> { T, T.narrow(1, 0, 1) }, 1));
        Is("[[1, 2], [3, 4]]", stack([a, b]));
        Is("[[1, 3], [2, 4]]", stack(new List<Tensor> { a, b }, 1));
        var grids = meshgrid([a, tensor([5, 6, 7])]);
        Is("[[1, 1, 1], [2, 2, 2]]", grids[0]);
        Is("[[5, 6, 7], [5, 6, 7]]", grids[1]);
        Shape(meshgrid([a, tensor([5, 6, 7])], "xy")[0], 3, 2);
    }

    [Fact]
    public void ProductsHaveTheirValues()
    {
        var m = tensor(new[,] { { 1.0, 2 }, { 3, 4 } });
        var v = tensor([1.0, -1.0]);
        Is("[[7, 10], [15, 22]]", m.matmul(m));
        Is("[-1, -1]", matmul(m, v));
        Is("[[7, 10], [15, 22]]", m.mm(m));
        Is("[[1, -1], [-1, 1]]", v.outer(v));
        var stack = m.unsqueeze(0);
        Is("[[[7, 10], [15, 22]]]", stack.bmm(stack));
        Is("[[[7, 10], [15, 22]]]", bmm(stack, stack));
        Is("[[[15, 22], [33, 48]]]", baddbmm(stack, stack, stack, beta: 1, alpha: 2));
        Is("[[7, 10], [15, 22]]", einsum("ij,jk->ik", m, m));
        Is("5", einsum("ii->", m));
    }

    [Fact]
    public void MatricesDecompose()
    {
        var m = tensor(new[,] { { 3.0, 0 }, { 0, -2 }, { 0, 0 } });
        Is("[[0.3333, 0, 0], [0, -0.5, 0]]", linalg.pinv(m) + 0.0);
        var (u, s, vh) = linalg.svd(m, fullMatrices: false);
        Is("[3, 2]", s);
        Assert.True((u * s).matmul(vh).allclose(m));
        Shape(linalg.svd(m).U, 3, 3);
    }

    [Fact]
    public void IndexVectorsPickAndAdd()
    {
        Is("[[0, 2], [4, 3]]", T.gather(1, tensor(new[,] { { 0L, 2 }, { 1, 0 } })));
        Is("[[2, 0], [5, 3]]", T.index_select(1, tensor([2L, 0])));
        Is("[1, 3, 5]", T.masked_select(T.remainder(2).@bool()));
        Is("[[0, 9, 8]]", zeros([1, 3]).scatter_(1, tensor(new[,] { { 2L, 1 } }), tensor(new[,] { { 8f, 9 } })));
        Is("[[3, 0, 0]]", zeros([1, 3]).scatter_add(1, tensor(new[,] { { 0L, 0 } }), tensor(new[,] { { 1f, 2 } })));
        Is("[[3, 0, 0]]", zeros([1, 3]).scatter_add_(1, tensor(new[,] { { 0L, 0 } }), tensor(new[,] { { 1f, 2 } })));
        Is("[[0, 0], [2, 2]]", zeros([2, 2]).index_add_(0, tensor([1L]), ones([1, 2]), 2));
    }

    [Fact]
    public void ConversionsKeepTheTensorWhereNothingChanges()
    {
        var t = tensor([0f, 1.7f, -2]);
        Assert.Equal(t.Handle, t.to(float32).Handle);
        Assert.Equal(t.Handle, t.cpu().Handle);
        Assert.NotEqual(t.Handle, t.to(float32, copy: true).Handle);
        Is("[0, 1, -2]", t.@long());
        Is("[F, T, T]", t.@bool());
        Assert.Equal((ScalarType.Float64, ScalarType.Float32), (t.@double().dtype, t.@long().@float().dtype));
        Assert.Equal(ScalarType.Int32, t.to_type(int32).dtype);
        Assert.Equal((ScalarType.Int64, CPU), (t.to(tensor(1L)).dtype, t.to(CPU).device));
        Assert.Equal((ScalarType.Float64, DeviceType.META), (t.to(float64, "meta").dtype, t.to("meta").device_type));
        Is("[0, 1.7, -2]", t.clone());
        Assert.NotEqual(t.Handle, t.clone().Handle);
    }

    [Fact]
    public void DisposeAfterDisposesWhatWasConverted()
    {
        var t = ones(2);
        Assert.False(t.to(float32, disposeAfter: true).IsInvalid);
        Assert.False(t.IsInvalid);
        Is("[1, 1]", t.to(float64, disposeAfter: true));
        Assert.True(t.IsInvalid);
    }

    [Fact]
    public void WrongShapesAreRefusedInASentence()
    {
        Refused<TorchException>(() => T.reshape(4), "aten::reshape", "[4]", "6");
        Refused<TorchException>(() => T.mT.view(6), "aten::view", "reshape");
        Refused<TorchException>(() => T.permute(0, 0), "aten::permute", "duplicate");
        Refused<TorchException>(() => zeros([2, 3]).matmul(zeros([2, 3])), "aten::matmul", "2x3");
        Refused<TorchException>(() => cat([T, zeros([3, 3])], 1), "aten::cat", "Sizes of tensors must match");
        Refused<TorchException>(() => cat([T, null!]), "aten::cat", "null");
        Refused<TorchException>(() => cat([]), "aten::cat", "non-empty");
        Refused<TorchException>(() => stack([T, zeros([3])]), "aten::stack", "equal size");
        Refused<TorchException>(() => einsum("ij,jk", T), "aten::einsum", "operands");
        Refused<TorchException>(() => einsum("ij", null!), "aten::einsum", "tensors", "null");
        Refused<TorchException>(() => T.gather(1, tensor(new[,] { { 5L } })), "aten::gather", "out of bounds");
        Refused<TorchException>(() => T.index_select(0, tensor([2L])), "aten::index_select", "out of range");
        Refused<TorchException>(() => T.flip(0, 0), "aten::flip", "multiple times");
        Refused<TorchException>(() => T.split([1, 1], 1), "aten::split_with_sizes", "sum");
    }
}
