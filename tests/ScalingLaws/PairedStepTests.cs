using PatchKit.ScalingLaws;
using Xunit;

namespace PatchKit.Tests.ScalingLaws;

/// <summary>
/// Paired steps against numbers worked out by hand with a printed table of Student's t: t(.95) is 2.920 with 2 degrees
/// of freedom and 2.132 with 4.
/// </summary>
public sealed class PairedStepTests
{
    /// <summary>
    /// Differences .3, .1, .2: mean .2, standard deviation .1, .2 - 2.920 x .1 / sqrt(3) = .0314; all three agree, 1/8.
    /// </summary>
    [Fact]
    public void ThreeSeedsByHand()
    {
        var step = PairedStep.Fall("16 to 8", [(10, 1.5), (11, 1.4), (12, 1.6)], [(12, 1.4), (10, 1.2), (11, 1.3)]);
        Assert.Equal([.3, .1, .2], step.Gains.Select(gain => Math.Round(gain, 12)));
        Assert.Equal(.2, step.Mean, 1e-12);
        Assert.Equal(.1, step.Deviation, 1e-12);
        Assert.Equal(.2 - 2.919986 * .1 / Math.Sqrt(3), step.LowerEnd, 1e-7);
        Assert.Equal((3, 3, .125), (step.Count, step.Agreeing, Math.Round(step.SignTest, 12)));
    }

    /// <summary>
    /// .1, .2, .3, .4, -.1: mean .18, squares about it .0064 + .0004 + .0144 + .0484 + .0784 = .148, s = sqrt(.037);
    /// four or five of five: 6/32.
    /// </summary>
    [Fact]
    public void FiveSeedsByHand()
    {
        var step = new PairedStep("x", [(1, .1), (2, .2), (3, .3), (4, .4), (5, -.1)]);
        Assert.Equal(.18 - 2.131847 * Math.Sqrt(.037 / 5), step.LowerEnd, 1e-6);
        Assert.True(step.LowerEnd < 0);
        Assert.Equal(6 / 32.0, step.SignTest, 1e-12);
    }

    /// <summary>
    /// Seeds that lack an end are left out; ties say nothing to the sign test: two of two that differ, 1/4.
    /// </summary>
    [Fact]
    public void SeedsAreJoinedByNumber()
    {
        var step = PairedStep.Rise("x", [(1, 1), (2, 1), (3, 1), (9, 0)], [(3, 2), (2, 1.5), (1, 1), (7, 5)]);
        Assert.Equal([(1L, 0.0), (2L, .5), (3L, 1.0)], step.Pairs);
        Assert.Equal((2, .25), (step.Agreeing, Math.Round(step.SignTest, 12)));
        var less = step.Less("y", new PairedStep("z", [(2, .25), (3, .25), (4, 9)]));
        Assert.Equal([(2L, .25), (3L, .75)], less.Pairs);
        Assert.Equal([-.2, .3, .8], step.Beyond("b", .2).Gains.Select(gain => Math.Round(gain, 12)));
        Assert.Equal([0, .125, .25], step.Part("p", .25).Gains);
    }

    [Fact]
    public void OneSeedHasNoInterval()
    {
        var one = new PairedStep("x", [(1, .5)]);
        Assert.Equal(
            (.5, double.NaN, double.NaN, .5),
            (one.Mean, one.Deviation, one.LowerEnd, Math.Round(one.SignTest, 12))
        );
        Assert.True(double.IsNaN(new PairedStep("x", []).Mean));
        Assert.Equal(1, new PairedStep("x", [(1, -1), (2, -1)]).SignTest);
        // no spread, no doubt
        Assert.Equal(.5, new PairedStep("x", [(1, .5), (2, .5), (3, .5)]).LowerEnd);
    }
}
