using PatchKit.ScalingLaws;
using PatchKit.Tests.Torch;
using Xunit;

namespace PatchKit.Tests.ScalingLaws;

/// <summary>The arithmetic of plans on cases that were worked out by hand.</summary>
public sealed class PlanningTests
{
    private static readonly TrainingMemory Memory = new() { Parameters = 1000, ImageBytes = 500 };

    [Fact]
    public void AWeightTakesEighteenBytesAndFourMoreEachForTheAverageAndTheExchange()
    {
        Assert.Equal(18_000, Memory.FixedBytes); // float32 weight, its bfloat16 copy, gradient, two moments
        Assert.Equal(22_000, (Memory with { Average = true }).FixedBytes);
        Assert.Equal(26_000, (Memory with { Average = true, Reduced = true }).FixedBytes);
        Assert.Equal(18_000 + 7 * 500, Memory.Bytes(7));
    }

    [Theory]
    [InlineData(34_000, 1, 32, 1)] // 18,000 + 32 x 500, to the byte
    [InlineData(33_999, 1, 16, 2)]
    [InlineData(18_500, 1, 1, 32)]
    [InlineData(34_000, 4, 8, 1)]
    [InlineData(20_500, 4, 4, 2)]
    public void TheFewestPartsThatFitAreFound(long room, int gpus, int images, int parts)
    {
        var fit = BatchFit.Fewest(32, gpus, Memory, room);
        Assert.Equal((images, parts, true), (fit.Images, fit.Parts, fit.Fits));
        Assert.Equal(32, fit.Images * fit.Parts * gpus);
        Assert.Equal(18_000 + 500 * images, fit.Bytes);
    }

    [Fact]
    public void PartsAreEqualAlsoWhereTheShareIsNoPowerOfTwo()
    {
        var fit = BatchFit.Fewest(60, 4, Memory, 18_000 + 6 * 500);
        Assert.Equal((5, 3), (fit.Images, fit.Parts)); // 15 images split into 1, 3, 5 or 15 parts
    }

    [Fact]
    public void WhatDoesNotFitIsShownWithOneImage()
    {
        var fit = BatchFit.Fewest(32, 2, Memory, 18_499);
        Assert.Equal((1, 16, false), (fit.Images, fit.Parts, fit.Fits));
        Assert.Equal(1, fit.Bytes - fit.Room);
    }

    [Fact]
    public void APartCountThatIsGivenIsKeptWhetherItFitsOrNot()
    {
        Assert.False(BatchFit.In(32, 1, 2, Memory, 20_000).Fits);
        Assert.Equal(
            (16, 2),
            (BatchFit.In(32, 1, 2, Memory, 20_000).Images, BatchFit.In(32, 1, 2, Memory, 20_000).Parts)
        );
        Expect.Refused<ArgumentException>(
            () => BatchFit.In(32, 4, 3, Memory, 20_000),
            "4 GPUs share a batch of 32 by 8",
            "3 equal parts",
            "a divisor of 8"
        );
        Expect.Refused<ArgumentException>(() => BatchFit.In(32, 1, 0, Memory, 20_000), "0 equal parts");
    }

    [Theory]
    [InlineData(1024, 3, "use 2 or 4")]
    [InlineData(16, 12, "use 8 or 16")]
    [InlineData(16, 32, "use 16.")]
    [InlineData(16, 0, "0 GPUs")]
    public void ABatchThatCannotBeSharedEvenlyIsRefusedWithWhatWould(int batch, int gpus, string words) =>
        Expect.Refused<ArgumentException>(() => BatchFit.Fewest(batch, gpus, Memory, 20_000), words);

    [Fact]
    public void BetweenTimedSequencesTheRateIsALineOnLogarithmicAxesAndBeyondThemTheEnds()
    {
        var curve = new ThroughputCurve("two steps", [(100, 1e12), (10_000, 4e12)]);
        Assert.Equal(1e12, curve.At(1));
        Assert.Equal(1e12, curve.At(100));
        Assert.Equal(2e12, curve.At(1000), 1e3);
        Assert.Equal(4e12, curve.At(10_000), 1e3);
        Assert.Equal(4e12, curve.At(1_000_000));
        Assert.Equal(6e12, curve.Scaled(1.5).At(1_000_000));
        // 6 x 6e9 x 1e6 = 3.6e16 operations at 1e12 a second
        Assert.Equal(10, curve.Hours(macs: 6e9, images: 1e6, tokens: 100), 1e-9);
    }

    [Fact]
    public void PublishedHoursAreFoundAgain()
    {
        var models = PaperNumbers
            .Table6.Select(row =>
                (
                    Row: row,
                    Model: (CostModel)
                        new TransformerCost
                        {
                            Pixels = 224 * 224,
                            PatchSize = row.PatchSize,
                            Tokens = row.Length,
                            EmbedDim = 768,
                            Depth = 12,
                            Classes = 1000,
                            Heads = 12,
                            MlpDim = 3072,
                        }
                )
            )
            .ToList();
        var curve = ThroughputCurve.OfHours(
            "Table 6",
            1000,
            models.Select(each => (each.Model, each.Row.DeitBaseGpuHours))
        );
        Assert.All(
            models,
            each => Assert.Equal(each.Row.DeitBaseGpuHours, curve.Hours(each.Model.Macs, 1000, each.Row.Length), 1e-9)
        );
    }
}
