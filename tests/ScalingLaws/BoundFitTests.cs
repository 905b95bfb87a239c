using PatchKit.ScalingLaws;
using Xunit;

namespace PatchKit.Tests.ScalingLaws;

/// <summary>
/// An exponent that ended where the search ends was not measured, and the report says so.
/// https://github.com/jkitchin/pounce/issues/260 (a bounded fit that says nothing of its bounds).
/// </summary>
public sealed class BoundFitTests
{
    private static readonly double[] s_sizes = [16, 8, 4, 2, 1];

    /// <summary>
    /// p^6 is steeper than the search goes, a loss of 2 + 1e-3 ln p flatter: their exponents end at 4 and 0.01.
    /// </summary>
    [Fact]
    public void AnExponentAtABoundIsSaidToBeThere()
    {
        var steep = PowerLawFit.To(Points(size => 1 + 1e-6 * Math.Pow(size, 6)));
        Assert.Equal(4, steep.Law.Alpha, 1e-2);
        Assert.Contains("upper bound, 4", steep.AlphaAtBound);
        var flat = PowerLawFit.To(Points(size => 2 + 1e-3 * Math.Log(size)), PowerLawForm.Plain);
        Assert.Equal(.01, flat.Law.Alpha, 1e-4);
        Assert.Contains("lower bound, 0.01", flat.AlphaAtBound);
    }

    /// <summary>With a floor the best law is the floor alone; the plain law comes as near to it as it may.</summary>
    [Fact]
    public void LossesThatFallWithThePatchHaveNoExponent()
    {
        Assert.Contains("do not grow with the patch", PowerLawFit.To(Points(size => 3 - .1 * size)).AlphaAtBound);
        Assert.Contains(
            "lower bound, 0.01",
            PowerLawFit.To(Points(size => 3 - .1 * size), PowerLawForm.Plain).AlphaAtBound
        );
    }

    [Theory, InlineData(.3), InlineData(1), InlineData(2.5)]
    public void AnExponentThatWasMeasuredIsLeftAlone(double alpha) =>
        Assert.Null(PowerLawFit.To(Points(size => 1 + .02 * Math.Pow(size, alpha))).AlphaAtBound);

    private static LossPoint[] Points(Func<double, double> loss) =>
        [.. s_sizes.Select(size => new LossPoint(size, loss(size)))];
}
