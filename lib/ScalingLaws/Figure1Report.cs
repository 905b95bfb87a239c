using System.Globalization;
using MathNet.Numerics.Distributions;

namespace PatchKit.ScalingLaws;

/// <summary>
/// What the law says about the paper's own nine panels: the fitted floor beside the axis's, and the smallest patch
/// predicted from the larger ones.
/// </summary>
/// <param name="Rows">one for each panel.</param>
public sealed record Figure1Report(IReadOnlyList<Figure1Row> Rows)
{
    /// <summary>Fits all panels.</summary>
    public static Figure1Report Make() => new([.. PaperNumbers.Figure1.Select(Figure1Row.Of)]);

    /// <summary>What the misses mean, in sentences.</summary>
    public IReadOnlyList<string> Meaning
    {
        get
        {
            int high = Rows.Count(row => row.Choice.WithFloor.Miss > 0),
                covered = Rows.Count(row => row.Choice.WithFloor.Covered);
            int steeper = Rows.Count(row => row.Fit.Law.Alpha > row.Panel.TickAlpha + 0.01),
                higher = Rows.Count(row => row.Fit.Law.Floor > row.Panel.TickFloor + 0.001);
            return
            [
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"On the paper's panels least squares misses high in {high} of {Rows.Count} "
                        + $"(probability {Chance(high, Rows.Count):0.000} of so lopsided a count by chance): "
                        + $"the last halving of the patch gains more than the larger patches promise."
                ),
                "Absolute errors weigh alike, so that the large patches' losses set alpha (above the "
                    + $"axis's slope in {steeper} panels) and the flat end sets the floor (above the axis's "
                    + $"in {higher}); the paper's axes weigh the same points by their distance from a "
                    + "floor that lies just under the last one. A floor fitted here is therefore not "
                    + "a limit that the readings have reached, and they do not fix one.",
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"No panel can say more: four points and three parameters leave one degree of freedom, "
                        + $"so that the 95% intervals, which hold the reading in {covered} of {Rows.Count}, "
                        + $"are wide: half of them "
                        + $"{Median(Rows.Select(row => row.Choice.WithFloor.Prediction.Interval.Width)):0.000} or more."
                ),
            ];
        }
    }

    // How often as lopsided a count of misses comes up if high and low were equally likely.
    private static double Chance(int high, int all)
    {
        var coin = new Binomial(0.5, all);
        return Math.Min(1, 2 * coin.CumulativeDistribution(Math.Min(high, all - high)));
    }

    private static double Median(IEnumerable<double> values) => values.Order().ElementAt(values.Count() / 2);
}

/// <summary>A panel of Figure 1 with its fits.</summary>
/// <param name="Panel">the readings.</param>
/// <param name="Fit">the law with a floor, fitted to all points.</param>
/// <param name="Choice">either law fitted to the larger patches, with what it says about the smallest.</param>
public sealed record Figure1Row(Figure1Panel Panel, PowerLawFit Fit, PowerLawChoice Choice)
{
    /// <summary>Fits a panel.</summary>
    public static Figure1Row Of(Figure1Panel panel) =>
        new(panel, PowerLawFit.To(panel.Points), PowerLawChoice.ByHeldOutError(panel.Points));
}
