using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using static PatchKit.Tests.Torch.Expect;

namespace PatchKit.Tests.Torch;

/// <summary>Sums, extremes, orders and counts.</summary>
public sealed class ReductionTests
{
    private static Tensor T => tensor(new[,] { { 1.0, 5.0, 3.0 }, { 4.0, 2.0, 6.0 } });

    [Fact]
    public void SumsAndMeansHaveTheirValues()
    {
        Is("21", T.sum());
        Is("[9, 12]", T.sum(1));
        Is("[[9], [12]]", T.sum(-1, keepdim: true));
        Is("21", T.sum([0, 1]));
        Is("[[21]]", T.sum([0, 1], true));
        Is("3.5", T.mean());
        Is("[2.5, 3.5, 4.5]", T.mean([0]));
        Is("[[3], [4]]", T.mean([1], true));
        Is("720", T.prod());
        Is("[[1, 6, 9], [4, 6, 12]]", T.cumsum(1));
        Assert.Equal(ScalarType.Int64, tensor([1, 2]).sum().dtype);
        Assert.Equal((ScalarType.Float32, ScalarType.Float32, ScalarType.Float32, ScalarType.Float32, ScalarType.Float32, ScalarType.Float32),
            (T.sum(float32).dtype, T.sum(0, false, float32).dtype, T.sum([0], false, float32).dtype, T.mean([0], false, float32).dtype, T.prod(float32).dtype, T.cumsum(0, float32).dtype));
    }

    [Fact]
    public void ExtremesKnowTheirPlaces()
    {
        Is("6", T.max());
        Is("1", T.min());
        var (most, at) = T.max(1);
        Is("[5, 6]", most);
        Is("[1, 2]", at);
        var (least, where) = T.min(0, keepdim: true);
        Is("[[1, 2, 3]]", least);
        Is("[[0, 1, 0]]", where);
        Is("[4, 5, 6]", T.amax([0]));
        Is("[[1], [2]]", T.amin([1], true));
        Is("5", T.argmax());
        Is("[1, 2]", T.argmax(1));
        Is("[[0, 1, 0]]", T.argmin(0, true));
    }

    [Fact]
    public void SpreadsAndNormsHaveTheirValues()
    {
        Is("3.5", T.var());
        Is("2.9167", T.var(unbiased: false));
        Is("[4, 4]", T.var(1));
        Is("[[2.6667], [2.6667]]", T.var(1, false, true));
        Is("1.8708", T.std());
        Is("[2, 2]", T.std(1));
        Is("[[1.633], [1.633]]", T.std(1, false, true));
        Is("9.5394", T.norm());
        Is("21", T.norm(1));
        Is("[5.1429, 6.1429]", T.logsumexp(1));
        Is("[[5.1429], [6.1429]]", T.logsumexp(1, true));
    }

    [Fact]
    public void BooleansReduce()
    {
        var t = tensor(new[,] { { true, false }, { true, true } });
        Is("F", t.all());
        Is("T", t.any());
        Is("[F, T]", t.all(1));
        Is("[[T, T]]", t.any(0, true));
    }

    [Fact]
    public void OrdersAreStableInValueAndPlace()
    {
        var (values, places) = T.sort();
        Is("[[1, 3, 5], [2, 4, 6]]", values);
        Is("[[0, 2, 1], [1, 0, 2]]", places);
        Is("[[4, 5, 6], [1, 2, 3]]", T.sort(0, descending: true).Values);
        Is("[[1, 2, 0], [2, 0, 1]]", T.argsort(1, true));
        Is("[[0, 2, 1], [1, 0, 2]]", T.argsort());
        var (top, at) = T.topk(2);
        Is("[[5, 3], [6, 4]]", top);
        Is("[[1, 2], [2, 0]]", at);
        Is("[[1, 2, 3]]", T.topk(1, 0, largest: false).values);
    }

    [Fact]
    public void CountsAreExact()
    {
        var t = tensor([3L, 1, 3, 0]);
        Is("[1, 1, 0, 2]", t.bincount());
        Is("[1, 1, 0, 2, 0]", t.bincount(minlength: 5));
        Is("[0.5, 2, 0, 4]", t.bincount(tensor([1.0, 2, 3, 0.5])));
        Is("[[0], [1], [2]]", t.nonzero());
        var (distinct, inverse, counts) = t.unique(return_inverse: true, return_counts: true);
        Is("[0, 1, 3]", distinct);
        Is("[2, 1, 2, 0]", inverse!);
        Is("[1, 1, 2]", counts!);
        Assert.Equal((null, null), (t.unique().inverse_indices, t.unique().counts));
    }

    [Fact]
    public void EmptyTensorsReduceOrRefuse()
    {
        var none = zeros([0, 3]);
        Is("0", none.sum());
        Is("[0, 0, 0]", none.sum(dim: 0)); // as in TorchSharp, sum(0) is sum(ScalarType.Byte)
        Is("1", none.prod());
        Is("NaN", none.mean());
        Is("T", none.@bool().all());
        Is("F", none.@bool().any());
        Refused<TorchException>(() => none.max(), "aten::max", "numel() == 0");
        Refused<TorchException>(() => none.argmax(), "aten::argmax", "numel() == 0");
        Refused<TorchException>(() => none.amax([0]), "aten::amax", "non-zero");
    }

    [Fact]
    public void WrongReductionsAreRefusedInASentence()
    {
        Refused<TorchException>(() => T.sum(2), "aten::sum.dim_IntList", "Dimension out of range");
        Refused<TorchException>(() => T.topk(4), "aten::topk", "out of range");
        Refused<TorchException>(() => tensor([1, 2]).mean(), "aten::mean", "dtype");
        Refused<TorchException>(() => tensor([-1]).bincount(), "aten::bincount", "non-negative");
    }
}
