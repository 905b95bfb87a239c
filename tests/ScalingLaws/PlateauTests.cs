using System.Globalization;
using MathNet.Numerics.Distributions;
using PatchKit.ScalingLaws;
using Xunit;

namespace PatchKit.Tests.ScalingLaws;

/// <summary>The plateau test on curves that are known, and how often it errs.</summary>
[Trait("speed", "seconds")]
public sealed class PlateauTests(ITestOutputHelper output)
{
    private const int Trials = 2000;

    /// <summary>
    /// By hand: 100 steps, the seventh tenth 2, 2.2, ... alternating (mean 2.1, variance .0111), the last at 1.9
    /// exactly. A part r of 2.1 is told from 1.9 while (1 - r) 2.1 - 1.9 is above t x (1 - r) x sqrt(.0111 / 10) with
    /// t(.95, 9) = 1.833: 1 - r = 1.9 / (2.1 - 1.833 x .0333) = .9320.
    /// </summary>
    [Fact]
    public void ByHand()
    {
        var test = PlateauTest.Of([
            .. Enumerable
                .Range(1, 100)
                .Select(step => ((long)step, step is > 60 and <= 70 ? 2.1 + (step % 2 == 0 ? .1 : -.1) : 1.9)),
        ])!;
        Assert.Equal((2.1, 1.9), (Math.Round(test.Early, 12), Math.Round(test.Late, 12)));
        Assert.Equal(1 - 1.9 / 2.1, test.Fall, 1e-12);
        Assert.Equal(1 - 1.9 / (2.1 - 1.833113 * Math.Sqrt(.1 / 9 / 10)), test.LeastFall, 1e-6);
        Assert.False(test.Stands);
    }

    [Theory]
    [InlineData("level", true)]
    [InlineData("a power law", false)]
    [InlineData("a landing reached in the middle", true)]
    [InlineData("a stair that is gone down late", false)]
    [InlineData("rising", true)]
    public void KnownShapes(string shape, bool stands)
    {
        var test = PlateauTest.Of(
            Curve(
                part =>
                    shape switch
                    {
                        "level" => 1.4,
                        "a power law" => 2.5 * Math.Pow(600 * part, -.1),
                        "a landing reached in the middle" => part < .5 ? 2.1 : 1.41,
                        "a stair that is gone down late" => part < .8 ? 1.4 : .75,
                        _ => 1 + part,
                    },
                600,
                .05,
                new Random(1)
            )
        )!;
        output.WriteLine($"{shape}: {test}");
        Assert.Equal(stands, test.Stands);
    }

    [Fact]
    public void ShortCurvesSayNothing()
    {
        Assert.Null(PlateauTest.Of([]));
        Assert.Null(PlateauTest.Of(Curve(_ => 1, 20, 0, new Random(1))));
        Assert.Null(PlateauTest.Of(Curve(_ => double.NaN, 600, 0, new Random(1))));
        Assert.True(PlateauTest.Of(Curve(_ => 1.4, 600, 0, new Random(1)))!.Stands);
        Assert.False(PlateauTest.Of(Curve(part => 2 - part, 600, 0, new Random(1)))!.Stands);
    }

    /// <summary>
    /// A run whose loss falls by 1 % or less is said to fall in at most 5 % of trials; how often one that falls by more
    /// is found is printed.
    /// </summary>
    [Theory]
    [InlineData(600, .08)]
    [InlineData(2400, .12)]
    public void ErrsAsSeldomAsItSays(int steps, double noise)
    {
        double allowed = .05 + 3 * Math.Sqrt(.05 * .95 / Trials),
            before = 1;
        foreach (double fall in new[] { 0, .01, .02, .03, .05, .08 })
        {
            double falls =
                Enumerable
                    .Range(0, Trials)
                    .Count(i =>
                        !PlateauTest
                            .Of(Curve(part => part > .8 ? 1.4 * (1 - fall) : 1.4, steps, noise, new Random(i)))!
                            .Stands
                    ) / (double)Trials;
            output.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{steps} steps, noise {noise}: a fall of {100 * fall:0} % is said to fall "
                        + $"in {100 * falls:0.0} % of trials"
                )
            );
            if (fall <= PlateauTest.Least)
                Assert.True(falls <= allowed, $"{falls} against {allowed}");
            else
                Assert.True(falls >= before);
            before = falls;
        }
        Assert.True(before > .95);
    }

    private static List<(long, double)> Curve(Func<double, double> loss, int steps, double noise, Random random) =>
        [
            .. Enumerable
                .Range(1, steps)
                .Select(step =>
                    ((long)step, loss((double)step / steps) + (noise == 0 ? 0 : Normal.Sample(random, 0, noise)))
                ),
        ];
}
