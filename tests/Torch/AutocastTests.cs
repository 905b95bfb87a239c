using PatchKit.Torch;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Torch;

/// <summary>Autocast: which operators run in which precision, from where to where.</summary>
public sealed class AutocastTests
{
    [Fact]
    public void ProductsAreInLowPrecisionAndScopesNest()
    {
        using var scope = NewDisposeScope();
        var x = ones([2, 2]);
        ScalarType Product() => x.matmul(x).dtype;
        using (Engine.Autocast(CPU))
        {
            Assert.Equal((ScalarType.BFloat16, ScalarType.Float32), (Product(), (x + x).dtype));
            using (Engine.Autocast(CPU))
                Assert.Equal(ScalarType.BFloat16, Product());
            Assert.Equal(ScalarType.BFloat16, Product());
        }
        Assert.Equal(ScalarType.Float32, Product());
    }

    [Fact]
    public void AWeightIsCastAnewInEachScope()
    {
        using var scope = NewDisposeScope();
        var weight = ones([2, 2]).requires_grad_();
        for (int step = 1; step < 4; step++)
        {
            using (Engine.Autocast(CPU))
                Expect.Is($"[[{2 * step}, {2 * step}], [{2 * step}, {2 * step}]]", ones([2, 2]).matmul(weight));
            using (no_grad())
                weight.add_(1);
        }
    }

    [Fact]
    public void WhatLowersNoPrecisionOrHasNoAutocastIsRefused()
    {
        Expect.Refused<ArgumentException>(() => Engine.Autocast(CPU, ScalarType.Float32), "Float32", "BFloat16");
        Expect.Refused<NotSupportedException>(() => Engine.Autocast(META), "meta");
        using var scope = NewDisposeScope();
        Assert.Equal(ScalarType.Float32, ones([2, 2]).matmul(ones([2, 2])).dtype);
    }

    [Fact]
    public void GradientsAreInTheWeightsPrecisionAndNearTheFullOnes()
    {
        using var scope = NewDisposeScope();
        manual_seed(2);
        using var layer = nn.Linear(64, 64);
        var x = randn([32, 64]);
        var full = Gradient(lower: false);
        var lower = Gradient(lower: true);
        Assert.Equal(ScalarType.Float32, lower.dtype);
        Assert.InRange(((lower - full).norm() / full.norm()).ToDouble(), 1e-6, 1e-2);

        Tensor Gradient(bool lower)
        {
            layer.zero_grad();
            using var region = lower ? Engine.Autocast(CPU) : null;
            layer.call(x).square().sum().backward();
            return layer.weight.grad!.clone();
        }
    }
}
