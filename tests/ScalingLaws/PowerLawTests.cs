using PatchKit.ScalingLaws;
using PatchKit.Tests.Torch;
using Xunit;

namespace PatchKit.Tests.ScalingLaws;

/// <summary>Fits of exact and of noisy power laws, their predictions, and what cannot be fitted.</summary>
public sealed class PowerLawTests
{
    private static readonly double[] s_sizes = [16, 8, 4, 2, 1];

    [Theory]
    [InlineData(0.8009, 0.0184, 1.045)]
    [InlineData(0.2, 0.5, 0.3)]
    [InlineData(1.5, 0.001, 2.5)]
    public void ExactPointsGiveTheLawBack(double floor, double scale, double alpha)
    {
        var law = new PowerLaw(floor, scale, alpha);
        var fit = PowerLawFit.To(Points(law));
        Assert.Equal(floor, fit.Law.Floor, 1e-3);
        Assert.Equal(scale, fit.Law.Scale, 1e-3);
        Assert.Equal(alpha, fit.Law.Alpha, 1e-3);
        Assert.True(fit.Noise < 1e-5, $"noise {fit.Noise}");
    }

    [Fact]
    public void ExactPointsOfAPlainLawHaveNoFloor()
    {
        var law = new PowerLaw(0, 0.3, 0.12);
        Assert.Equal(0, PowerLawFit.To(Points(law)).Law.Floor, 1e-2);
        var plain = PowerLawFit.To(Points(law), PowerLawForm.Plain);
        Assert.Equal((0.12, new Interval(0, 0)), (Math.Round(plain.Law.Alpha, 4), plain.FloorInterval));
    }

    [Fact]
    public void AnErrorOfAPointIsItsWeight()
    {
        var law = new PowerLaw(0.8, 0.02, 1);
        LossPoint[] points = [.. Points(law), new LossPoint(4, 5, Error: 1e6)];
        Assert.Equal(0.8, PowerLawFit.To(points).Law.Floor, 1e-3);
    }

    [Theory]
    [InlineData(0.8, PowerLawForm.WithFloor)]
    [InlineData(0.0, PowerLawForm.Plain)]
    public void HeldOutErrorChoosesTheLawThatMadeThePoints(double floor, PowerLawForm form)
    {
        double[] wobble = [1.0008, 0.9993, 1.0005, 0.9996, 1.0001];
        var points = s_sizes
            .Zip(wobble, (size, factor) => new LossPoint(size, new PowerLaw(floor, 0.3, 0.4).At(size) * factor))
            .ToArray();
        var choice = PowerLawChoice.ByHeldOutError(points);
        Assert.Equal(form, choice.Fit.Form);
        Assert.True(choice.WithFloor.Covered);
        Assert.Equal(points[^1].Loss, choice.WithFloor.Measured);
    }

    [Fact]
    public void ShrinkingNoiseShrinksTheIntervals()
    {
        var rough = PowerLawFit.To(Noisy(new PowerLaw(0.8, 0.0175, 1.05), 0.01, new Random(1)));
        var fine = PowerLawFit.To(Noisy(new PowerLaw(0.8, 0.0175, 1.05), 0.001, new Random(1)));
        Assert.True(fine.FloorInterval.Width < rough.FloorInterval.Width / 4);
        Assert.True(fine.AlphaInterval.Width < rough.AlphaInterval.Width / 4);
        Assert.True(fine.FloorInterval.Contains(fine.Law.Floor) && fine.AlphaInterval.Contains(fine.Law.Alpha));
    }

    [Fact]
    public void AFloorsProfileRisesFromTheFitToTheEndsOfItsInterval()
    {
        var fit = PowerLawFit.To(Noisy(new PowerLaw(0.8, 0.0175, 1.05), 0.003, new Random(1)));
        double least = fit.SquaresAtFloor(fit.Law.Floor);
        Assert.Equal(least / fit.DegreesOfFreedom, fit.Noise * fit.Noise, 1e-9);
        Assert.True(
            least < fit.SquaresAtFloor(fit.FloorInterval.Low) && least < fit.SquaresAtFloor(fit.FloorInterval.High)
        );
        Assert.Equal(
            fit.SquaresAtFloor(fit.FloorInterval.Low),
            fit.SquaresAtFloor(fit.FloorInterval.High),
            1e-3 * least
        );
    }

    [Fact]
    public void SameSeedSameInterval()
    {
        var points = Noisy(new PowerLaw(0.8, 0.0175, 1.05), 0.01, new Random(1));
        Assert.Equal(PowerLawFit.To(points, seed: 5).FloorInterval, PowerLawFit.To(points, seed: 5).FloorInterval);
    }

    [Fact]
    public void WhatCannotBeFittedIsRefused()
    {
        var law = new PowerLaw(0.8, 0.02, 1);
        Expect.Refused<ArgumentException>(
            () => PowerLawFit.To(Points(law)[..3]),
            "3 parameters",
            "4 points",
            "3 at 3 were given"
        );
        Expect.Refused<ArgumentException>(
            () => PowerLawFit.To([.. Points(law), new LossPoint(32, double.NaN)]),
            "NaN",
            "runs that failed"
        );
        Expect.Refused<ArgumentException>(() => SmallestPatchTest.Of(Points(law)[..3]), "4 patch sizes");
    }

    internal static LossPoint[] Points(PowerLaw law) =>
        Array.ConvertAll(s_sizes, size => new LossPoint(size, law.At(size)));

    internal static LossPoint[] Noisy(
        PowerLaw law,
        double noise,
        Random random,
        int seeds = 1,
        double largest = 16,
        double smallest = 1
    )
    {
        var points = new List<LossPoint>();
        for (double size = largest; size >= smallest; size /= 2)
        for (int seed = 0; seed < seeds; seed++)
            points.Add(
                new LossPoint(size, law.At(size) + noise * MathNet.Numerics.Distributions.Normal.Sample(random, 0, 1))
            );
        return [.. points];
    }
}
