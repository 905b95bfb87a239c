using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using PatchKit.Ops;
using PatchKit.Torch;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Torch;

/// <summary>
/// Nodes of our own in libtorch's graph: gradients, exceptions on their way to the caller, and what is freed when.
/// </summary>
public sealed class AutogradNodeTests
{
    [Fact]
    public void OutputsAndAbsentOperandsHaveTheirGradients()
    {
        using var scope = NewDisposeScope();
        Tensor a = Leaf(2),
            b = Leaf(3),
            constant = ones([1]) * 5;
        Tensor?[] backward(Tensor?[] saved, Tensor?[] gradients) =>
            [gradients[0]! * saved[1]!, null, gradients[0]! * saved[0]! + gradients[1]!, null];
        var results = AutogradNode.Run(
            "product and copy",
            [a, null, b, constant],
            () => ([a * b, b + constant], [a, b]),
            backward
        );
        Engine.Backward((results[0] * 10 + results[1] * 100).sum());
        Expect.Is("[30]", a.grad!);
        Expect.Is("[120]", b.grad!);
    }

    [Fact]
    public void AnOutputThatIsNotUsedHasNoGradient()
    {
        using var scope = NewDisposeScope();
        var a = Leaf(2);
        bool second = true;
        var results = AutogradNode.Run(
            "two",
            [a],
            () => ([a * 1, a * 2], []),
            (_, gradients) =>
            {
                second = gradients[1] is not null;
                return [gradients[0]];
            }
        );
        Engine.Backward(results[0].sum());
        Assert.False(second);
        Expect.Is("[1]", a.grad!);
    }

    [Fact]
    public void AnInputMayBeTheOutputAndOneGradientServeTwoInputs()
    {
        using var scope = NewDisposeScope();
        Tensor a = Leaf(2),
            b = Leaf(3);
        Engine.Backward(
            AutogradNode.Run("identity", [a], () => ([a], []), (_, gradients) => [gradients[0]! * 7])[0].sum()
        );
        Engine.Backward(
            AutogradNode
                .Run("sum", [a, b], () => ([a + b], []), (_, gradients) => [gradients[0], gradients[0]])[0]
                .sum()
        );
        Expect.Is("[8]", a.grad!);
        Expect.Is("[1]", b.grad!);
    }

    [Fact]
    public void NothingIsRecordedWithoutNeed()
    {
        using var scope = NewDisposeScope();
        int nodes = AutogradNode.Live;
        Assert.False(Double(ones([1])).requires_grad);
        using (no_grad())
            Assert.False(Double(Leaf(1)).requires_grad);
        Assert.Equal(nodes, AutogradNode.Live);
    }

    [Fact]
    public void AnExceptionReachesTheCallerOfBackwardAsItWas()
    {
        using var scope = NewDisposeScope();
        var failure = Assert.Throws<InvalidDataException>(() =>
            Engine.Backward(Failing(Leaf(1), "the sentence").sum())
        );
        Assert.Equal("the sentence", failure.Message);
        Assert.Contains(nameof(Fail), failure.StackTrace);
    }

    [Fact]
    public void AutogradGradThrowsItToo()
    {
        using var scope = NewDisposeScope();
        var x = Leaf(1);
        Assert.Equal(
            "another",
            Assert
                .Throws<InvalidDataException>(() => Engine.Gradients([Double(Failing(x, "another")).sum()], [x]))
                .Message
        );
        Expect.Is("[4]", Engine.Gradients([Double(Double(x)).sum()], [x])[0]);
        Assert.Throws<ExternalException>(() => autograd.grad([Failing(x, "no").sum()], [x]));
    }

    [Fact]
    public void TorchSharpsOwnBackwardThrowsToo()
    {
        using var scope = NewDisposeScope();
        Expect.Refused<ExternalException>(
            () => Failing(Leaf(1), "the sentence").sum().backward(),
            Guard.Exists ? ["InvalidDataException", "the sentence"] : []
        );
        Assert.DoesNotContain("the sentence", Expect.Refused<ExternalException>(() => ones([1]).backward()));
        Engine.Backward(Double(Leaf(1)).sum());
    }

    [Fact, Trait("speed", "seconds")]
    public void ThreadsGetTheirOwnExceptions() =>
        Parallel.For(
            0,
            100,
            i =>
            {
                using var scope = NewDisposeScope();
                string sentence = $"of {i}";
                Assert.Equal(
                    sentence,
                    Assert.Throws<InvalidDataException>(() => Engine.Backward(Failing(Leaf(1), sentence).sum())).Message
                );
            }
        );

    [Fact]
    public void ANodesBackwardMayRunABackwardOfItsOwn()
    {
        using var scope = NewDisposeScope();
        Tensor Outer(Tensor x, Func<Tensor, Tensor> block) =>
            AutogradNode.Run(
                "outer",
                [x],
                () => ([block(x)], [x]),
                (saved, gradients) =>
                {
                    using var recording = enable_grad();
                    var again = saved[0]!.detach().requires_grad_();
                    Engine.Backward(block(again), gradients[0]);
                    return [again.grad];
                }
            )[0];
        var x = Leaf(1);
        Engine.Backward(Outer(Outer(x, Double), y => Outer(y, Double)).sum());
        Expect.Is("[4]", x.grad!);
        Assert.Throws<InvalidDataException>(() =>
            Engine.Backward(Outer(x, y => Outer(y, z => Failing(z, "deep"))).sum())
        );
    }

    [Fact]
    public void WrongGradientsAndWrongUsesAreSentences()
    {
        using var scope = NewDisposeScope();
        var x = Leaf(1);
        Expect.Refused<InvalidOperationException>(
            () =>
                Engine.Backward(
                    AutogradNode.Run("one too many", [x], () => ([x * 2], []), (_, _) => [null, null])[0].sum()
                ),
            "one too many",
            "2 gradients",
            "1 inputs"
        );
        var y = Double(x);
        Engine.Backward(y.sum());
        Expect.Refused<InvalidOperationException>(() => Engine.Backward(y.sum()), "double", "retain_graph");
        var changed = x * 1;
        y = Double(changed);
        changed.add_(1);
        Expect.Refused<ExternalException>(() => Engine.Backward(y.sum()), "modified by an inplace operation");
    }

    [Fact]
    public void AGraphThatIsRetainedIsDifferentiatedAgain()
    {
        using var scope = NewDisposeScope();
        var x = Leaf(1);
        var y = Double(x).sum();
        Engine.Backward(y, retainGraph: true);
        Engine.Backward(y);
        Expect.Is("[4]", x.grad!);
    }

    [Fact]
    public void ASecondDerivativeIsRefused()
    {
        using var scope = NewDisposeScope();
        var x = Leaf(1);
        Assert.Throws<ExternalException>(() => Double(x).sum().backward(create_graph: true));
        var call = Assert.Throws<InvalidOperationException>(() =>
            Engine.Differentiate(() => Double(x).sum().backward(create_graph: true))
        );
        Assert.Equal(
            "double has no second derivative, and create_graph=True asks for one; use the composed reference instead.",
            call.Message
        );
    }

    [Fact]
    public void WhatWasSavedIsFreedAsItIsUsed()
    {
        const int nodes = 6,
            numbers = 1 << 22;
        using var scope = NewDisposeScope();
        var alive = new List<long>();
        Tensor Keeping(Tensor x) =>
            AutogradNode.Run(
                "keeping",
                [x],
                () => ([x + 1], [ones([numbers])]),
                (_, gradients) =>
                {
                    alive.Add(Engine.Memory().LiveBytes >> 20);
                    return [gradients[0]! * 2];
                }
            )[0];
        var y = Leaf(1);
        for (int i = 0; i < nodes; i++)
            y = Keeping(y);
        Engine.Backward(y.sum());
        Assert.True(
            alive[0] - alive[^1] > (nodes - 2) * numbers * sizeof(float) / 1.5 / (1 << 20),
            $"live MiB at each node's backward: {string.Join(" ", alive)}"
        );
    }

    [Fact, Trait("speed", "seconds")]
    public void NoNodeAndNoTensorIsLeftBehind()
    {
        Step();
        Collect();
        (int nodes, long tensors) = (AutogradNode.Live, Tensor.TotalCount);
        for (int i = 0; i < 50; i++)
            Step();
        Collect();
        Assert.Equal((nodes, tensors), (AutogradNode.Live, Tensor.TotalCount));

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Step()
        {
            using var scope = NewDisposeScope();
            var x = randn([1, 2, 8, 4]).requires_grad_();
            Engine.Backward(Attention.Tiled(x, x, x).sum());
            Assert.Throws<InvalidDataException>(() => Engine.Backward(Failing(x, "no").sum()));
            Assert.Throws<InvalidDataException>(() =>
                AutogradNode.Run("no forward", [x], () => throw new InvalidDataException(), (_, gradients) => gradients)
            );
            Attention.Tiled(x, x, x);
        }
    }

    private static void Collect()
    {
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }

    private static Tensor Leaf(float value) => full([1], value).requires_grad_();

    private static Tensor Double(Tensor x) =>
        AutogradNode.Run(
            "double",
            [x],
            () => ([x * 2], [x]),
            (saved, gradients) => [gradients[0]! * 2 + saved[0]! * 0]
        )[0];

    private static Tensor Failing(Tensor x, string sentence) =>
        AutogradNode.Run("failing", [x], () => ([x * 2], [x]), (_, _) => Fail(sentence))[0];

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Tensor?[] Fail(string sentence) => throw new InvalidDataException(sentence);
}
