using PatchKit.Ops;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Ops;

/// <summary>Clipping by one pass over all gradients, beside libtorch's.</summary>
public sealed class GradientNormTests
{
    [Theory]
    [InlineData(ScalarType.Float32, 1.0, 1e-6)]
    [InlineData(ScalarType.Float32, 1e6, 1e-6)]
    [InlineData(ScalarType.Float64, 0.1, 1e-12)]
    [InlineData(ScalarType.Float64, double.PositiveInfinity, 1e-12)]
    public void ItIsLibtorchs(ScalarType dtype, double max, double tolerance)
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        Tensor[] gradients = [randn([300, 500], dtype), randn([17], dtype), randn([], dtype), randn([3, 5, 7], dtype)];
        var (ours, theirs) = (Parameters(), Parameters());
        double norm = GradientNorm.Composed(theirs, max);
        Assert.Equal(norm, GradientNorm.Clip(ours, max), tolerance * norm);
        foreach (var (one, other) in ours.Zip(theirs))
            if (other.grad is { } wanted)
                Assert.InRange((one.grad! - wanted).abs().max().ToDouble(), 0, tolerance);

        Parameter[] Parameters() =>
            [
                .. gradients.Select(gradient => new Parameter(zeros_like(gradient)) { grad = gradient.clone() }),
                new Parameter(ones([2], dtype)), // without a gradient
            ];
    }

    [Fact]
    public void TheNormIsTheSameBitsWithAnyNumberOfThreads()
    {
        using var scope = NewDisposeScope();
        var parameter = new Parameter(zeros([1 << 20])) { grad = randn([1 << 20]) };
        int threads = get_num_threads();
        try
        {
            set_num_threads(1);
            double alone = GradientNorm.Clip([parameter], double.PositiveInfinity);
            set_num_threads(3);
            Assert.Equal(alone, GradientNorm.Clip([parameter], double.PositiveInfinity));
        }
        finally
        {
            set_num_threads(threads);
        }
    }

    [Fact]
    public void ViewsAndAbsentGradientsAreTaken()
    {
        using var scope = NewDisposeScope();
        Assert.Equal(0, GradientNorm.Clip([new Parameter(ones([2]))], 1));
        var turned = new Parameter(zeros([3, 2])) { grad = arange(6, float32).reshape(2, 3).t() };
        Assert.Equal(Math.Sqrt(55), GradientNorm.Clip([turned], 1), 1e-5);
        Assert.Equal(1, turned.grad!.norm().ToDouble(), 1e-5);
        var broken = new Parameter(zeros([2])) { grad = tensor([1f, float.NaN]) };
        Assert.True(double.IsNaN(GradientNorm.Clip([broken], 1)));
    }
}
