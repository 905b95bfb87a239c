using System.Globalization;
using PatchKit.ScalingLaws;
using Xunit;

namespace PatchKit.Tests.ScalingLaws;

/// <summary>
/// How often the 95% intervals hold the truth, over 400 synthetic sweeps at a stated noise, and how wide they are.
/// </summary>
[Trait("speed", "seconds")]
public sealed class CoverageTests(ITestOutputHelper output)
{
    private const int Trials = 400;

    // The law of Figure 1a; noise is the standard deviation of a loss. A published sweep has one seed; ours have two or
    // more.
    [Fact]
    public void IntervalsHoldTheTruth() => Cover("p = 16..1", 16, 1, 1, 0.005);

    [Theory, Trait("speed", "slow")]
    [InlineData("p = 16..2", 16, 2, 1, 0.005)]
    [InlineData("p = 16..1", 16, 1, 1, 0.002)]
    [InlineData("p = 16..1", 16, 1, 1, 0.02)]
    [InlineData("p = 32..1", 32, 1, 1, 0.005)]
    [InlineData("p = 16..1, 3 seeds", 16, 1, 3, 0.005)]
    public void SoTheyDoInOtherSweeps(string sweep, double largest, double smallest, int seeds, double noise) =>
        Cover(sweep, largest, smallest, seeds, noise);

    private void Cover(string sweep, double largest, double smallest, int seeds, double noise)
    {
        var truth = new PowerLaw(0.8, 0.0175, 1.05);
        int floors = 0,
            alphas = 0,
            predictions = 0;
        var widths = (floor: new List<double>(), alpha: new List<double>(), prediction: new List<double>());
        for (int trial = 0; trial < Trials; trial++)
        {
            var random = new Random(1000 + trial);
            var points = PowerLawTests.Noisy(truth, noise, random, seeds, largest, smallest);
            var fit = PowerLawFit.To(points, seed: trial);
            floors += fit.FloorInterval.Contains(truth.Floor) ? 1 : 0;
            alphas += fit.AlphaInterval.Contains(truth.Alpha) ? 1 : 0;
            widths.floor.Add(fit.FloorInterval.Width);
            widths.alpha.Add(fit.AlphaInterval.Width);

            double next = smallest / 2;
            var prediction = fit.Predict(next);
            predictions += prediction.Interval.Contains(
                truth.At(next) + noise * MathNet.Numerics.Distributions.Normal.Sample(random, 0, 1)
            )
                ? 1
                : 0;
            widths.prediction.Add(prediction.Interval.Width);
        }
        output.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{sweep}, noise {noise}: floor {Share(floors)}, median "
                    + $"width {Median(widths.floor):0.0000}; "
                    + $"alpha {Share(alphas)}, {Median(widths.alpha):0.000}; the next smaller "
                    + $"patch {Share(predictions)}, {Median(widths.prediction):0.0000}."
            )
        );
        Assert.InRange(Share(floors), 0.88, 0.99);
        Assert.InRange(Share(alphas), 0.88, 0.99);
        Assert.InRange(Share(predictions), 0.88, 0.99);
    }

    private static double Share(int count) => count / (double)Trials;

    private static double Median(List<double> values)
    {
        values.Sort();
        return values[values.Count / 2];
    }
}
