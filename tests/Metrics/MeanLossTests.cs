using PatchKit.Metrics;
using PatchKit.Tests.Torch;
using Xunit;

namespace PatchKit.Tests.Metrics;

/// <summary>The two means of a loss.</summary>
public sealed class MeanLossTests
{
    [Fact]
    public void ASmallLastBatchWeighsAsMuchInTheOfficialMean()
    {
        var mean = new MeanLoss();
        mean.Add(1, 3);
        mean.Add(2, 1);
        Assert.Equal((4, 1.25, 1.5), (mean.Count, mean.Weighted, mean.Official));
    }

    [Fact]
    public void EqualBatchesHaveOneMean()
    {
        var mean = new MeanLoss();
        Assert.True(double.IsNaN(mean.Weighted) && double.IsNaN(mean.Official));
        for (int i = 0; i < 8; i++)
            mean.Add(i, 16);
        Assert.Equal((3.5, 3.5), (mean.Weighted, mean.Official));
    }

    [Fact]
    public void AnEmptyBatchIsRefused() =>
        Expect.Refused<ArgumentException>(() => new MeanLoss().Add(1, 0), "0 images");
}
