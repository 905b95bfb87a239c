using PatchKit.Display.Figures;
using PatchKit.Display.Tables;
using PatchKit.Experiments.Reports;
using PatchKit.Experiments.Sweeps;
using PatchKit.Experiments.Verdicts;
using PatchKit.ScalingLaws;

namespace PatchKit.Experiments.Tables;

/// <summary>
/// The smallest patch of a curve, foretold from the larger ones by a law with a floor, and what was measured there.
/// </summary>
/// <param name="Name">the curve.</param>
/// <param name="Origin">where its losses come from.</param>
/// <param name="Test">the forecast and the measurement.</param>
public sealed record Forecast(string Name, Origin Origin, SmallestPatchTest Test)
{
    private const int FewestPatches = 4,
        FewestRuns = 4;

    /// <summary>The forecasts of the paper's nine panels, as they were read off the picture.</summary>
    public static IReadOnlyList<Forecast> OfPaper() =>
        [
            .. Figure1Report
                .Make()
                .Rows.Select(row => new Forecast(
                    $"({row.Panel.Letter}) {row.Panel.What}",
                    Origin.Paper,
                    row.Choice.WithFloor
                )),
        ];

    /// <summary>
    /// The forecast of a sweep; null where four patch sizes, or four runs above the smallest, are not there.
    /// </summary>
    public static Forecast? Of(string name, Origin origin, PatchSummary sweep)
    {
        LossPoint[] points = [.. sweep.Results.Select(run => new LossPoint(run.Config.Model.PatchSize, run.Test.Loss))];
        return
            sweep.Patches.Count < FewestPatches
            || points.Count(point => point.PatchSize > sweep.Patches[^1]) < FewestRuns
            ? null
            : new(name, origin, SmallestPatchTest.Of(points));
    }

    /// <summary>
    /// All forecasts against what was measured, a row for each, on a scale that suits all: losses as parts of the loss
    /// at the patch before, so that 1 says "the last step gains nothing". A curve is foretold where its measured point
    /// lies on its interval; an interval that is as long as the curve is high is said to say nothing.
    /// </summary>
    /// <param name="forecasts">the forecasts, the first on top.</param>
    public static Figure Draw(IReadOnlyList<Forecast> forecasts)
    {
        var rows = forecasts.Reverse().ToList();
        double least = rows.Min(row =>
                Math.Min(Math.Max(0, Part(row, row.Test.Prediction.Interval.Low)), Part(row, row.Test.Measured))
            ),
            most = Math.Min(2, rows.Max(row => Part(row, row.Test.Prediction.Interval.High)));
        var panel = new Panel(
            new Axis("loss at the smallest patch, as a part of the loss at the patch before")
            {
                Min = Math.Max(0, least - .05),
                Max = Math.Max(1.05, most + .05),
            },
            Axis.Named("", [.. rows.Select(row => $"{row.Name}, p={row.Test.Prediction.PatchSize:0}")])
        );
        bool named = false;
        foreach (var (row, i) in rows.Select((row, i) => (row, i)))
        {
            var interval = row.Test.Prediction.Interval;
            panel = panel.Line(
                named ? "" : "95% interval of the forecast",
                [Math.Max(0, Part(row, interval.Low)), Math.Min(most, Part(row, interval.High))],
                [i, i],
                Origin.Law,
                group: "forecast"
            );
            named = true;
        }
        panel = panel.Scatter(
            "foretold",
            rows.Select(row => Part(row, row.Test.Prediction.Loss)),
            rows.Select((_, i) => (double)i),
            Origin.Law,
            group: "forecast"
        );
        foreach (var same in rows.Select((row, i) => (row, i)).GroupBy(entry => entry.row.Origin))
            panel = panel.Scatter(
                same.Key switch
                {
                    Origin.Paper => "read off the paper",
                    Origin.Recorded => "measured, recorded",
                    _ => "measured here",
                },
                same.Select(entry => Part(entry.row, entry.row.Test.Measured)),
                same.Select(entry => (double)entry.i),
                same.Key
            );
        int telling = rows.Count(row => row.Test.Says),
            held = rows.Count(row => row.Test is { Says: true, Covered: true });
        return new Figure("The smallest patch, foretold from the larger ones", panel.At(1, "no gain"))
        {
            Subtitle =
                $"{telling} of {rows.Count} intervals are narrower than their curve is high; {held} of "
                + "those hold what was measured",
            RowHeight = 60 + 26 * rows.Count,
            Width = 860,
        };
    }

    /// <summary>
    /// The same in numbers, with what becomes of each forecast by <see cref="VerdictRule.OfForecast"/>.
    /// </summary>
    public static ReportTable Table(IReadOnlyList<Forecast> forecasts) =>
        new(
            "The smallest patch, foretold from the larger ones: all curves",
            ["curve", "p", "the patch before", "foretold", "95% interval", "measured", "missed by", "what it says"],
            [
                .. forecasts.Select(row =>
                    (IReadOnlyList<string>)
                        [
                            row.Name,
                            $"{row.Test.Prediction.PatchSize:0}",
                            ReportNumber.Number(row.Test.Before),
                            ReportNumber.Number(row.Test.Prediction.Loss),
                            $"{row.Test.Prediction.Interval}",
                            ReportNumber.Number(row.Test.Measured),
                            ReportNumber.Signed(row.Test.Miss),
                            row.Words,
                        ]
                ),
            ]
        );

    private string Words =>
        !Test.Says ? "nothing: the interval is as wide as the curve is high"
        : !Test.Covered ? "something else than was measured"
        : Test.ForetellsAFall ? "what was measured, and that the loss falls on"
        : "what was measured, and also that the loss may not fall on";

    private static double Part(Forecast row, double loss) => loss / row.Test.Before;
}
