using PatchKit.Display.Figures;
using PatchKit.Display.Formatting;
using Xunit;

namespace PatchKit.Tests.Display.Figures;

/// <summary>Round numbers, and how they are written.</summary>
public sealed class TicksTests
{
    [Theory]
    [InlineData(0, 10, 5, "0 2 4 6 8 10")]
    [InlineData(-0.13, 0.12, 5, "−0.10 −0.05 0.00 0.05 0.10")]
    [InlineData(0, 20000, 12, "0 2,000 4,000 6,000 8,000 10,000 12,000 14,000 16,000 18,000 20,000")]
    [InlineData(0, 3e-5, 3, "0 10⁻⁵ 2×10⁻⁵ 3×10⁻⁵")]
    [InlineData(0, 4e9, 4, "0 1 G 2 G 3 G 4 G")]
    [InlineData(0.61, 0.63, 4, "0.610 0.615 0.620 0.625 0.630")]
    public void LinearTicksAreMultiplesOfOneTwoOrFive(double low, double high, double count, string expected) =>
        Assert.Equal(expected, string.Join(' ', Numbers.Labels(Ticks.Linear(low, high, count))));

    [Theory]
    [InlineData(1, 1e12, "10⁰ 10² 10⁴ 10⁶ 10⁸ 10¹⁰ 10¹²")]
    [InlineData(0.7, 1.3, "0.7 0.8 0.9 1.0 1.1 1.2 1.3")]
    [InlineData(2, 90, "2 5 10 20 50")]
    [InlineData(1e-5, 1e-2, "10⁻⁵ 10⁻⁴ 10⁻³ 10⁻²")]
    public void LogarithmicTicksAreDecadesOrRoundNumbers(double low, double high, string expected)
    {
        var scale = new AxisScale(Axis.Log("x") with { Min = low, Max = high }, [], false, 400, 50);
        Assert.Equal(
            expected,
            string.Join(' ', scale.Ticks.Where(tick => tick.Label.Length > 0).Select(tick => tick.Label))
        );
    }

    [Fact]
    public void PatchSizesArePowersOfTwo() =>
        Assert.Equal(
            ["1", "2", "4", "8", "16", "32"],
            new AxisScale(Axis.PowersOfTwo("p"), [1, 32], false, 400, 58).Ticks.Select(tick => tick.Label)
        );

    [Fact]
    public void AboveAFloorTicksAreSpacedAndNoFinerThanTheAxisIsWide()
    {
        var scale = new AxisScale(Axis.Log("loss", floor: 0.8), [0.81, 1.2], false, 300, 36);
        double[] places = [.. scale.Ticks.Select(tick => 300 * scale.At(tick.Value))];
        Assert.InRange(places.Length, 4, 9);
        Assert.All(places.Zip(places[1..]), pair => Assert.True(pair.Second - pair.First >= 36));
        Assert.Contains(1.0, scale.Ticks.Select(tick => tick.Value));
        Assert.True(double.IsNaN(scale.At(0.8)));
    }

    [Theory]
    [
        InlineData(0.0, "0"),
        InlineData(0.81564, "0.8156"),
        InlineData(50176, "50,176"),
        InlineData(86567656, "86.57 M"),
        InlineData(-2.5, "−2.5")
    ]
    [
        InlineData(2e-5, "2×10⁻⁵"),
        InlineData(1e-5, "10⁻⁵"),
        InlineData(double.NaN, "–"),
        InlineData(double.NegativeInfinity, "−∞"),
        InlineData(9.9999e-5, "10⁻⁴"),
        InlineData(1e18, "10¹⁸")
    ]
    public void NumbersAreShort(double value, string expected)
    {
        Assert.Equal(expected, Numbers.Short(value));
        Assert.Equal(expected, Samples.Elsewhere(() => Numbers.Short(value)));
    }

    [Fact]
    public void ZeroHasNoSign()
    {
        Assert.Equal("0", Numbers.Short(-0.0));
        Assert.Equal("0.00", Numbers.Format(-0.001, "0.00", signed: true));
        Assert.Equal("+0.01", Numbers.Format(0.01, "0.00", signed: true));
        Assert.Equal("−12.5%", Numbers.Format(-0.125, "0.0%"));
    }

    [Fact]
    public void TitlesAreWrappedAndWordsThatAreTooLongAreCut()
    {
        Assert.All(
            TextWidth.Wrap("a title that is much too long for the little room that there is for it", 12, 120),
            line => Assert.True(TextWidth.Of(line, 12) <= 120)
        );
        Assert.EndsWith("…", Assert.Single(TextWidth.Wrap(new string('m', 80), 12, 120)));
        Assert.Empty(TextWidth.Wrap("", 12, 120));
    }
}
