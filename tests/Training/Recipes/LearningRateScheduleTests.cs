using PatchKit.Training.Recipes;
using Xunit;

namespace PatchKit.Tests.Training.Recipes;

/// <summary>The schedule that changes at every step, and the official one's known quirks.</summary>
public sealed class LearningRateScheduleTests
{
    private static readonly LearningRateSchedule s_schedule = new()
    {
        Peak = 2e-3,
        Epochs = 10,
        WarmupEpochs = 1,
        Start = 0,
        Floor = 2e-5,
        Style = ScheduleStyle.PerStep,
    };

    [Fact]
    public void WarmUpReachesThePeakAndTheCosineItsEnd()
    {
        double[] rates = [.. Enumerable.Range(0, 600).Select(step => s_schedule.Rate(step / 60, step % 60, 60))];
        Assert.InRange(rates.Max(), 1.98e-3, 2e-3);
        Assert.InRange(rates[^1], 2e-5, 2.1e-5);
        Assert.All(rates[..60].Zip(rates[1..60]), pair => Assert.True(pair.First < pair.Second));
        Assert.All(rates[60..].Zip(rates[61..]), pair => Assert.True(pair.First > pair.Second));
        Assert.Equal(1.01e-3, s_schedule.At(5.5), 1e-12);
    }

    [Fact]
    public void TheOfficialRateIsOneEpochLateAndConstantWithinIt()
    {
        var official = s_schedule with { Style = ScheduleStyle.Official, WarmupEpochs = 5, Start = 1e-6 };
        Assert.Equal((1e-6, 1e-6), (official.Rate(0), official.Rate(1)));
        Assert.Equal(official.Rate(3, 0, 60), official.Rate(3, 59, 60));
        Assert.True(official.At(5) < official.Peak);
    }

    [Fact]
    public void WithoutWarmUpItStartsAtThePeak() => Assert.Equal(2e-3, (s_schedule with { WarmupEpochs = 0 }).At(0));
}
