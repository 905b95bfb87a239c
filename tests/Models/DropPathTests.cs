using PatchKit.Models;
using PatchKit.Tests.Torch;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Models;

/// <summary>Stochastic depth.</summary>
public sealed class DropPathTests
{
    [Fact]
    public void WholeImagesAreDroppedAndTheOthersScaledUp()
    {
        manual_seed(1);
        var branch = ones([4000, 2, 3]);
        var kept = new DropPath(0.2).call(branch);
        Assert.Equal([0, 1.25f], kept.flatten().unique().output.data<float>().ToArray());
        Expect.SameBits(kept[TensorIndex.Ellipsis, TensorIndex.Slice(0, 1)].expand_as(kept).contiguous(), kept);
        Assert.Equal(1, kept.mean().item<float>(), 0.04f);
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(0.5, false)]
    public void NothingIsDroppedAtRateZeroOrInEvaluation(double rate, bool training)
    {
        var branch = randn([5, 3]);
        var path = new DropPath(rate);
        path.train(training);
        Expect.SameBits(branch, path.call(branch));
    }

    [Theory]
    [InlineData(-0.1)]
    [InlineData(1)]
    [InlineData(double.NaN)]
    public void ARateOutsideItsRangeIsRefused(double rate) =>
        Expect.Refused<ArgumentException>(() => new DropPath(rate), "[0, 1)");

    [Fact]
    public void OneBlockDropsNothing()
    {
        Assert.Equal([0.0], DropPath.DeitRates(0.3, 1));
        Assert.Equal([0.0], DropPath.AdventurerRates(0.3, 1));
    }
}
