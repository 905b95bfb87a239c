using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Engines;

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
            using (Engine.Autocast(CPU)) Assert.Equal(ScalarType.BFloat16, Product());
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
            using (Engine.Autocast(CPU)) Expect.Is($"[[{2 * step}, {2 * step}], [{2 * step}, {2 * step}]]", ones([2, 2]).matmul(weight));
            using (no_grad()) weight.add_(1);
        }
    }
}
