using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using static TorchSharp.torch.TensorIndex;
using static PatchKit.Tests.Torch.Expect;

namespace PatchKit.Tests.Torch;

/// <summary>Index expressions, read and assigned.</summary>
public sealed class IndexingTests
{
    private static Tensor Grid(params long[] shape) => arange(shape.Aggregate(1L, (a, b) => a * b)).reshape(shape);

    private static Tensor Mask(params bool[] values) => tensor(values);

    [Fact]
    public void NumbersTakeDimensionsAway()
    {
        var t = Grid(2, 3);
        Is("[3, 4, 5]", t[1]);
        Is("[3, 4, 5]", t[-1]);
        Is("5", t[1, 2]);
        Is("4", t[Single(1), Single(-2)]);
        Is("[1, 4]", t[.., 1]);
    }

    [Fact]
    public void SlicesAreViews()
    {
        var t = Grid(6);
        Is("[1, 2]", t[1..3]);
        Is("[4, 5]", t[^2..]);
        Is("[0, 1, 2, 3]", t[..^2]);
        Is("[]", t[^0..]);
        Is("[0, 3]", t[Slice(step: 3)]);
        Is("[1, 3]", t[Slice(1, 5, 2)]);
        Is("[]", t[4..2]);
        Is("[4, 5]", t[4..100]);
        t[1..3].zero_();
        Is("[0, 0, 0, 3, 4, 5]", t);
    }

    [Fact]
    public void EllipsisNullAndColonFillThePlacesLeft()
    {
        var t = Grid(2, 3, 4);
        Is("[[3, 7, 11], [15, 19, 23]]", t[Ellipsis, 3]);
        Is("[3, 15]", t[Ellipsis, 0, 3]);
        Shape(t[Null, Ellipsis, Null], 1, 2, 3, 4, 1);
        Shape(t[0, Null, .., 1], 1, 3);
        Shape(t[Colon, 1], 2, 4);
        Shape(t[default(TensorIndex)], 2, 3, 4);
        Shape(t[Ellipsis], 2, 3, 4);
        Is("7", tensor(7)[Ellipsis]);
    }

    [Fact]
    public void IndexTensorsPick()
    {
        var t = Grid(3, 4);
        Is("[[8, 9, 10, 11], [0, 1, 2, 3]]", t[tensor([2L, 0])]);
        Is("[9, 2]", t[tensor([2L, 0]), tensor([1L, 2])]);
        Is("[[1, 3], [5, 7], [9, 11]]", t[.., tensor([1L, -1])]);
        Is("[[4, 5, 6, 7]]", t[TensorIndex.Tensor(tensor([1L]))]);
        Is("[4, 5, 6, 7]", t[tensor(1L)]);
        Is("[2, 10]", t[Slice(step: 2), tensor(2L)]);
        Shape(Grid(2, 3, 4)[tensor(1), .., tensor([0L, 1, 3])], 3, 3);
        Shape(Grid(2, 3, 4)[tensor([0L, 1]), .., tensor([0L, 1])], 2, 3);
    }

    [Fact]
    public void MasksPick()
    {
        var t = Grid(2, 3);
        Is("[1, 3, 5]", t[t.remainder(2).@bool()]);
        Is("[[3, 4, 5]]", t[Mask(false, true)]);
        Is("[[0, 2], [3, 5]]", t[.., Mask(true, false, true)]);
        Is("[[0, 1, 2], [3, 4, 5]]", t[tensor(true)].squeeze(0));
        Shape(t[tensor(false)], 0, 2, 3);
        Is("[3, 5]", t[1, Mask(true, false, true)]);
    }

    [Fact]
    public void AMaskOfSeveralDimensionsStandsAmongOtherIndices()
    {
        var t = Grid(2, 3, 4);
        var mask = tensor(new[,] { { true, false, false }, { false, false, true } });
        Is("[[0, 1, 2, 3], [20, 21, 22, 23]]", t[mask]);
        Is("[1, 21]", t[mask, 1]);
        Is("[[2, 3], [22, 23]]", t[mask, 2..]);
        Is("[[[0], [1], [2], [3]], [[20], [21], [22], [23]]]", t[mask, .., Null]);
        Is("[3, 23]", t[mask, -1]);
        Is("[0, 23]", t[mask, tensor([0L, 3])]);
        var last = Grid(2, 2, 3)[1, Ellipsis];
        Is("[[[0, 5]], [[6, 11]]]", Grid(2, 2, 3)[.., Null, tensor(new[,] { { true, false, false }, { false, false, true } })]);
        Is("[6, 11]", last[tensor(new[,] { { true, false, false }, { false, false, true } })]);
        Is("[[1, 2], [4, 5]]", Grid(2, 3)[Ellipsis, 1..][tensor(new[,] { { true, true }, { true, true } })].reshape(2, 2));
    }

    [Fact]
    public void AssignmentBroadcastsAndConverts()
    {
        var t = zeros([2, 3]);
        t[0] = tensor(1);
        t[1, 2] = tensor(5L);
        t[.., 1] = tensor([7.0, 8.0]);
        Is("[[1, 7, 1], [0, 8, 5]]", t);
        t[Ellipsis, 0] = tensor(true);
        Is("[[1, 7, 1], [1, 8, 5]]", t);
        t[Ellipsis] = tensor([9, 9, 9]);
        Is("[[9, 9, 9], [9, 9, 9]]", t);
    }

    [Fact]
    public void AssignmentGoesThroughMasksAndIndexTensors()
    {
        var t = Grid(2, 3);
        t[t.gt(3)] = tensor(-1);
        Is("[[0, 1, 2], [3, -1, -1]]", t);
        t[tensor([0L]), tensor([0L, 2])] = tensor([10L, 20]);
        Is("[[10, 1, 20], [3, -1, -1]]", t);
        Is("[[10, 0, 20], [3, 0, -1]]", t.index_put_(0, Colon, 1));
        Is("[[10, 0, 20], [4, 4, 4]]", t.index_put_(4.0, Mask(false, true)));
        var cube = Grid(2, 2, 2);
        cube[tensor(new[,] { { true, false }, { false, true } }), 1] = tensor(0);
        Is("[[[0, 0], [2, 3]], [[4, 5], [6, 0]]]", cube);
    }

    [Fact]
    public void GradientsReachOnlyThePartThatWasIndexed()
    {
        var t = ones([2, 3], requires_grad: true);
        (t[1, 1..] * 3.0).sum().backward();
        Is("[[0, 0, 0], [0, 3, 3]]", t.grad!);
        t.grad = null;
        t[tensor([0L, 0]), tensor([2L, 2])].sum().backward();
        Is("[[0, 0, 2], [0, 0, 0]]", t.grad!);
    }

    [Fact]
    public void WrongIndicesAreRefusedInASentence()
    {
        var t = Grid(2, 3);
        Refused<TorchException>(() => _ = t[2], "aten::select", "out of range");
        Refused<TorchException>(() => _ = t[Slice(step: -1)], "aten::slice", "step must be positive");
        Refused<TorchException>(() => _ = t[tensor([5L])], "aten::index", "out of bounds");
        Refused<TorchException>(() => t[tensor([5L])] = tensor(0), "aten::index_put_", "out of");
        Refused<TorchException>(() => _ = t[Mask(true, false, true)], "aten::index", "mask");
        Refused<TorchException>(() => t[0] = tensor([1, 2]), "aten::copy_", "(3)");
        Refused<TorchException>(() => _ = tensor(1)[0], "0-dim");
        Refused<TorchException>(() => _ = t[tensor([0.5])], "aten::index", "long, byte or bool");
        Refused<ArgumentException>(() => _ = t[0, 0, Single(0)], "3 dimensions", "has 2");
        Refused<ArgumentException>(() => _ = t[from_array(new bool[1, 1, 1])], "3 dimensions");
        Refused<ArgumentException>(() => _ = t[Ellipsis, Ellipsis], "one ellipsis");
        Refused<ArgumentException>(() => _ = t[(TensorIndex)(Tensor)null!], "null");
    }
}
