using System.Globalization;
using System.Text;
using MathNet.Numerics.Distributions;

namespace PatchKit.ScalingLaws;

/// <summary>What the law says about the paper's own nine panels: the fitted floor beside the axis's, and the smallest patch predicted from the larger ones.</summary>
/// <param name="Rows">one for each panel.</param>
public sealed record Figure1Report(IReadOnlyList<Figure1Row> Rows)
{
    /// <summary>Fits all panels.</summary>
    public static Figure1Report Make() => new([.. PaperNumbers.Figure1.Select(Figure1Row.Of)]);

    /// <summary>A table, and below it what the misses mean.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.AppendLine("panel                                       tick floor   fitted floor                alpha    smallest p: predicted                read     miss      better law");
        foreach (var row in Rows)
        {
            var (panel, all, held) = (row.Panel, row.Fit, row.Choice.WithFloor);
            text.AppendLine(string.Create(CultureInfo.InvariantCulture,
                $"{panel.Letter} {panel.What,-41} {panel.TickFloor:0.0000}     {all.Law.Floor:0.0000} {all.FloorInterval,-18} {all.Law.Alpha:0.000}    {held.Prediction.Loss:0.0000} {held.Prediction.Interval,-18} {(held.Covered ? "holds" : "fails")}  {held.Measured:0.0000}  {held.Miss:+0.0000;-0.0000}   {(row.Choice.Fit.Form == PowerLawForm.Plain ? "plain" : "floor")}"));
        }
        text.Append(Meaning());
        return text.ToString();
    }

    // How often as lopsided a count of misses comes up if high and low were equally likely.
    private static double Chance(int high, int all)
    {
        var coin = new Binomial(0.5, all);
        return Math.Min(1, 2 * coin.CumulativeDistribution(Math.Min(high, all - high)));
    }

    private static double Median(IEnumerable<double> values) => values.Order().ElementAt(values.Count() / 2);

    private string Meaning()
    {
        int high = Rows.Count(row => row.Choice.WithFloor.Miss > 0), covered = Rows.Count(row => row.Choice.WithFloor.Covered);
        int steeper = Rows.Count(row => row.Fit.Law.Alpha > row.Panel.TickAlpha + 0.01), higher = Rows.Count(row => row.Fit.Law.Floor > row.Panel.TickFloor + 0.001);
        return string.Create(CultureInfo.InvariantCulture,
            $"""
            Least squares misses high in {high} of {Rows.Count} panels (probability {Chance(high, Rows.Count):0.000} of so lopsided a count by chance): the last halving of the patch gains more
            than the larger patches promise. Absolute errors weigh alike, so the large patches' losses set alpha (above the axis's slope in {steeper} panels) and the flat
            end sets the floor (above the axis's in {higher}); the paper's axes weigh the same points by their distance from a floor that lies just under the last one.
            So a floor fitted here is not a limit that the readings have reached, and these readings do not fix one.
            No panel can say more: four points and three parameters leave one degree of freedom, so the 95% intervals, which hold the reading in
            {covered} of {Rows.Count}, are wide: half of them are {Median(Rows.Select(row => row.Choice.WithFloor.Prediction.Interval.Width)):0.000} or more.
            """);
    }
}
