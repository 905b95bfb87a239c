using PatchKit.ScalingLaws;
using PatchKit.Tests.Torch;
using Xunit;

namespace PatchKit.Tests.ScalingLaws;

/// <summary>Which patch size a budget is best spent on.</summary>
public sealed class ComputeFrontierTests
{
    // p = 8 learns early and stays; p = 4 costs twice as much and ends lower.
    private static readonly ComputeFrontier s_frontier = new([
        new(8, 1e10, 1.6),
        new(8, 2e10, 1.5),
        new(8, 4e10, 1.45),
        new(8, 4e10, 1.47),
        new(4, 2e10, 1.7),
        new(4, 4e10, 1.40),
        new(4, 8e10, 1.2),
    ]);

    [Fact]
    public void TheFrontierHasNoBeatenPoint() =>
        Assert.Equal(
            [(8, 1.6), (8, 1.5), (4, 1.40), (4, 1.2)],
            s_frontier.Points.Select(point => (point.PatchSize, point.Loss))
        );

    [Theory]
    [InlineData(1e10, 8, 1.6)]
    [InlineData(2e10, 8, 1.5)]
    [InlineData(4e10, 4, 1.40)]
    [InlineData(1e12, 4, 1.2)]
    public void TheBestPatchShrinksAsTheBudgetGrows(double flops, int patchSize, double loss) =>
        Assert.Equal(new BudgetedPoint(patchSize, flops, loss), s_frontier.Best(flops));

    [Fact]
    public void BetweenPointsTheLossIsInterpolatedOverTheLogarithm() =>
        Assert.Equal(1.55, s_frontier.LossAt(4, Math.Sqrt(2e10 * 4e10))!.Value, 1e-12);

    [Fact]
    public void SeedsAreAveraged() => Assert.Equal(1.46, s_frontier.LossAt(8, 4e10)!.Value, 1e-12);

    [Fact]
    public void WhatWasNotMeasuredIsNotAnswered()
    {
        Assert.Null(s_frontier.LossAt(4, 1e10));
        Expect.Refused<ArgumentException>(() => s_frontier.LossAt(2, 1e10), "patch size 2", "8, 4");
        Expect.Refused<ArgumentException>(() => s_frontier.Best(1e9), "1E+09", "1E+10");
        Expect.Refused<ArgumentException>(() => new ComputeFrontier([]), "0 points");
        Expect.Refused<ArgumentException>(() => new ComputeFrontier([new(8, 1e10, double.NaN)]), "NaN");
    }
}
