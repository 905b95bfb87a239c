using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using static PatchKit.Tests.Torch.Expect;

namespace PatchKit.Tests.Torch;

/// <summary>Gradients.</summary>
public sealed class AutogradTests
{
    private static Tensor Leaf(params double[] values) => tensor(values, requires_grad: true);

    [Fact]
    public void BackwardAddsToTheGradientOfEachLeaf()
    {
        var (x, y) = (Leaf(1, 2), Leaf(3, 4));
        Assert.Null(x.grad);
        (x * y * y).sum().backward();
        Is("[9, 16]", x.grad!);
        Is("[6, 16]", y.grad!);
        (2 * x).sum().backward();
        Is("[11, 18]", x.grad!);
        x.grad!.zero_();
        Is("[0, 0]", x.grad!);
        x.grad = null;
        Assert.Null(x.grad);
        x.grad = tensor([1.0, 1.0]);
        Is("[1, 1]", x.grad!);
    }

    [Fact]
    public void AGradientForTheResultMayBeGiven()
    {
        var x = Leaf(1, 2);
        (x * x).backward([tensor([1.0, 10.0])]);
        Is("[2, 40]", x.grad!);
    }

    [Fact]
    public void ANumberOverATensorHasItsGradient()
    {
        var x = Leaf(2);
        (1 - 4 / x).backward();
        Is("[1]", x.grad!);
    }

    [Fact]
    public void LeavesAndResultsKnowWhatTheyAre()
    {
        var x = Leaf(1);
        var y = x + x;
        Assert.Equal((true, true, ""), (x.is_leaf, x.requires_grad, x.grad_fn));
        Assert.Equal((false, true, "AddBackward0"), (y.is_leaf, y.requires_grad, y.grad_fn));
        Assert.True(ones(1).requires_grad_().requires_grad);
        Assert.False(ones(1).with_requires_grad().with_requires_grad(false).requires_grad);
        Assert.Equal((false, true), (y.detach().requires_grad, y.detach().is_leaf));
        var plain = ones(1);
        plain.requires_grad = true;
        Assert.True(plain.requires_grad);
    }

    [Fact]
    public void ResultsKeepAGradientOnlyOnRequest()
    {
        var x = Leaf(3);
        var dropped = x * 2;
        var kept = dropped * 5;
        kept.retain_grad();
        (kept * kept).backward();
        Assert.Null(dropped.grad);
        Is("[60]", kept.grad!);
        Is("[600]", x.grad!);
    }

    [Fact]
    public void AGraphIsUsedOnceUnlessItIsRetained()
    {
        var x = Leaf(3);
        var y = (x * x).sum();
        y.backward(retain_graph: true);
        y.backward();
        Is("[12]", x.grad!);
        Refused<TorchException>(() => y.backward(), "backward", "second time", "retain_graph");
    }

    [Fact]
    public void GradGivesGradientsWithoutAccumulating()
    {
        var (x, y) = (Leaf(1, 2), Leaf(3, 4));
        var gradients = autograd.grad([(x * y).sum()], [x, y]);
        Is("[3, 4]", gradients[0]);
        Is("[1, 2]", gradients[1]);
        Assert.Null(x.grad);
        Is("[2, 0]", autograd.grad([x * 2.0], [x], [tensor([1.0, 0.0])])[0]);
        var unused = autograd.grad([(x * x).sum()], [x, y], allow_unused: true);
        Assert.Equal((false, true), (unused[0].IsInvalid, unused[1].IsInvalid));
        Refused<TorchException>(() => autograd.grad([x.sum()], [y]), "autograd.grad", "allow_unused");
        Refused<ArgumentException>(() => autograd.grad([x.sum()], [x], []), "1 outputs", "0 gradients");
        Refused<ArgumentException>(() => autograd.grad([x.sum()], [null!]), "null", "tensor 0 of 1");
    }

    [Fact]
    public void SecondDerivativesAreThoseOfTheGradient()
    {
        var x = Leaf(2);
        var first = autograd.grad([x.pow(3).sum()], [x], create_graph: true)[0];
        Is("[12]", first);
        var second = autograd.grad([first.sum()], [x], create_graph: true)[0];
        Is("[12]", second);
        Is("[6]", autograd.grad([second.sum()], [x])[0]);
        x.pow(2).sum().backward(create_graph: true);
        Assert.True(x.grad!.requires_grad);
        x.grad = null; // x and its gradient's graph hold each other
    }

    [Fact]
    public void GradModeNestsAndReturns()
    {
        var x = Leaf(1);
        Assert.True(is_grad_enabled());
        using (no_grad())
        {
            Assert.False((x * 2).requires_grad);
            using (enable_grad())
            {
                Assert.True((x * 2).requires_grad);
                using (enable_grad(false)) Assert.False(is_grad_enabled());
                Assert.True(is_grad_enabled());
            }
            Assert.False(is_grad_enabled());
        }
        Assert.True(is_grad_enabled());
        Assert.ThrowsAny<TorchException>(Wrong);
        Assert.True(is_grad_enabled());

        static void Wrong()
        {
            using var _ = no_grad();
            zeros(2).add(zeros(3));
        }
    }

    [Fact]
    public void DetachedTensorsShareMemory()
    {
        var x = Leaf(1, 2);
        x.detach().mul_(3);
        Is("[3, 6]", x);
    }

    [Fact]
    public void GradientsFlowThroughViewsAndInPlaceChanges()
    {
        var x = Leaf(1, 2, 3);
        var y = x * 1.0;
        y[1..].mul_(10);
        y.sum().backward();
        Is("[1, 10, 10]", x.grad!);
    }

    [Fact]
    public void WrongUsesAreRefusedInASentence()
    {
        var x = Leaf(1, 2);
        Refused<TorchException>(() => x.add_(1), "aten::add_", "leaf");
        Refused<TorchException>(() => x[0] = tensor(1), "aten::copy_", "leaf");
        Refused<TorchException>(() => (x * 2).backward(), "backward", "scalar");
        Refused<TorchException>(() => ones(1).backward(), "backward", "does not require grad");
        Refused<TorchException>(() => (x * 2).backward([ones([3])]), "backward", "shape");
        Refused<TorchException>(() => tensor(1).requires_grad = true, "requires_grad", "floating-point", "Int");
        Refused<TorchException>(() => (x * 2).requires_grad = false, "requires_grad", "detach()");
        Refused<TorchException>(() => ones(1).retain_grad(), "retain_grad");
        Refused<TorchException>(() => x.grad = ones([3], float64), "grad", "[3]", "[2]");
        Refused<TorchException>(() => x.grad = ones([2]), "grad", "Float", "Double");
        var y = x.exp();
        y.add_(1);
        Refused<TorchException>(() => y.sum().backward(), "backward", "inplace");
    }
}
