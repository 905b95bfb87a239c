using System.Runtime.InteropServices;
using PatchKit.Torch;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Torch;

/// <summary>Operators called by their names: values, gradients, and libtorch's sentence where it refuses.</summary>
public sealed class OperatorTests
{
    private static readonly Operator Product = new("aten::mm"),
        Sdpa = new("aten::scaled_dot_product_attention");

    [Fact]
    public void ItIsTorchSharpsFunction()
    {
        using var scope = NewDisposeScope();
        Tensor a = randn([3, 4]),
            b = randn([4, 2]);
        Expect.SameBits(a.mm(b), Product.Call(a, b));
    }

    [Fact]
    public void OptionalsAndGradientsPass()
    {
        using var scope = NewDisposeScope();
        var (q, k, v) = (randn([1, 2, 5, 4], requires_grad: true), randn([1, 2, 5, 4]), randn([1, 2, 5, 4]));
        var ours = Sdpa.Call(q, k, v, Argument.None, 0.0, false, Argument.Some(0.5), false);
        ours.sum().backward();
        var gradient = q.grad!.clone();
        q.grad = null;
        var theirs = nn.functional.scaled_dot_product_attention(q, k, v); // 1 / sqrt(4) is 0.5
        theirs.sum().backward();
        Expect.SameBits(theirs, ours);
        Expect.SameBits(q.grad!, gradient);
    }

    [Fact]
    public void ARefusalIsOneSentenceWithNameShapesAndReason()
    {
        using var scope = NewDisposeScope();
        string sentence = Expect.Refused<ExternalException>(
            () => Product.Call(ones([2, 3]), ones([4, 5])),
            "aten::mm",
            "Float32 [2, 3], Float32 [4, 5]",
            "2x3 and 4x5"
        );
        Assert.DoesNotContain("\n", sentence);
        Expect.Refused<ExternalException>(
            () => new Operator("aten::there_is_none").Call(ones([1])),
            "aten::there_is_none"
        );
        Expect.SameBits(ones([2, 2]), Product.Call(ones([2, 1]), ones([1, 2])));
    }

    [Fact]
    public void WhatIsDisposedIsRefusedBeforeTheCall()
    {
        var gone = ones([2, 2]);
        gone.Dispose();
        Assert.ThrowsAny<InvalidOperationException>(() => Product.Call(gone, gone));
    }

    [Fact]
    public void ArgumentsAndResultsAreFreed()
    {
        using var scope = NewDisposeScope();
        Tensor a = ones([256, 256]),
            b = ones([256, 256]);
        Product.Call(a, b).Dispose();
        var before = Engine.Memory();
        for (int i = 0; i < 100; i++)
            Product.Call(a, b).Dispose();
        Assert.SkipUnless(Engine.CountsTensors, "nobody counts tensors without the guard library");
        Assert.Equal((before.LiveBytes, before.Blocks), (Engine.Memory().LiveBytes, Engine.Memory().Blocks));
    }
}
