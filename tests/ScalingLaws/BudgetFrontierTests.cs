using PatchKit.ScalingLaws;
using PatchKit.Tests.Torch;
using Xunit;

namespace PatchKit.Tests.ScalingLaws;

/// <summary>The frontier of a grid that is known: three patch sizes whose losses cross.</summary>
public sealed class BudgetFrontierTests
{
    // p=8 is best up to 2e9, p=4 from 4e9, p=2 never is; the seeds agree on p=4's lead at 8e9 and not at 4e9.
    private static readonly BudgetedRun[] s_runs =
    [
        .. Seeds(8, 48, 100, 1e9, 2.0, 2.1, 2.2),
        .. Seeds(8, 48, 200, 2e9, 1.8, 1.8, 1.8),
        .. Seeds(8, 96, 100, 4e9, 1.7, 1.6, 1.5),
        .. Seeds(4, 48, 100, 2e9, 1.9, 1.9, 1.9),
        .. Seeds(4, 48, 200, 4e9, 1.4, 1.9, 1.4),
        .. Seeds(4, 48, 400, 8e9, 1.2, 1.1, 1.0),
        .. Seeds(2, 48, 100, 8e9, 1.3, 1.3, 1.3),
    ];

    [Fact]
    public void TheLowestMeanHoldsABudget()
    {
        var frontier = new BudgetFrontier(s_runs);
        Assert.Equal(
            [(1e9, 8), (2e9, 8), (4e9, 4), (8e9, 4)],
            frontier.Points.Select(point => (point.Flops, point.Best.PatchSize))
        );
        Assert.Equal([8, 4, 2], frontier.PatchSizes);
        Assert.Equal([2.1, 1.8, 1.6], frontier.Of(8).Select(cell => Math.Round(cell.Loss, 12)));
        Assert.Null(frontier.Points[0].Rival);
        Assert.Equal("p=4, D=48, 100 steps", $"{frontier.Points[1].Rival}");
        Assert.Equal((2.0, 2.2), (frontier.Cells[0].Lowest, frontier.Cells[0].Highest));
    }

    /// <summary>
    /// At 4e9: .3, -.3, .1 in the three seeds, not sure. At 8e9 the rival is p=2 at 1.3: .1, .2, .3, mean .2 and at
    /// least .2 - 2.920 x .1 / sqrt(3) = .031.
    /// </summary>
    [Fact]
    public void TheSeedsSayHowSureAHolderIs()
    {
        var frontier = new BudgetFrontier(s_runs);
        var (unsure, sure) = (frontier.Points[2], frontier.Points[3]);
        Assert.Equal([.3, -.3, .1], unsure.Lead!.Gains.Select(gain => Math.Round(gain, 12)));
        Assert.False(unsure.IsSure);
        Assert.Equal(.0314, sure.Lead!.LowerEnd, 1e-4);
        Assert.True(sure.IsSure);
        Assert.True(new BudgetFrontier(s_runs).At(1e12).IsSure);
        // two seeds are sure of nothing
        Assert.False(new BudgetFrontier(s_runs.Where(run => run.Seed < 3)).At(8e9).IsSure);
    }

    [Fact]
    public void WhatHasNoPlaceIsRefused()
    {
        Expect.Refused<ArgumentException>(() => new BudgetFrontier([]), "0 runs");
        Expect.Refused<ArgumentException>(
            () => new BudgetFrontier([new(8, 48, 1, 1, 1, double.NaN)]),
            "no place on a frontier"
        );
        Expect.Refused<ArgumentException>(() => new BudgetFrontier(s_runs).At(1e8), "cheapest took 1E+09");
    }

    private static IEnumerable<BudgetedRun> Seeds(
        int patch,
        int width,
        long steps,
        double flops,
        params double[] losses
    ) => losses.Select((loss, i) => new BudgetedRun(patch, width, steps, flops, i + 1, loss));
}
