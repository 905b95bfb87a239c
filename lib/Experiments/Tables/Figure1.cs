using System.Globalization;
using PatchKit.Display.Figures;
using PatchKit.Experiments.Reports;
using PatchKit.Experiments.Sweeps;
using PatchKit.Experiments.Verdicts;
using PatchKit.ScalingLaws;
using PatchKit.Training;
using PatchKit.Training.Runs;
using PatchKit.Training.Tasks;

namespace PatchKit.Experiments.Tables;

// Figure 1: test loss over patch size, and the law loss = floor + a p^alpha through it.
//
//   command    patchkit run figure1 --scale teach            (--pixels adds p = 1; --data DIR for real images)
//   cost       that of table1's curves, about 6 minutes on two CPU cores; nothing after table1
//   expected   the loss falls at every halving of the patch; a power law with a floor describes it, with wide intervals

/// <summary>Figure 1: the test loss falls as a power law of the patch size, down to one pixel.</summary>
public sealed class Figure1 : Experiment
{
    // Budgets that the frontier is read at, evenly spaced in the logarithm from the cheapest run to the dearest.
    private const int Budgets = 8;

    /// <inheritdoc/>
    public override string Name => "figure1";

    /// <inheritdoc/>
    public override string Title => "Figure 1: the scaling law of patchification";

    /// <inheritdoc/>
    public override string Claim =>
        "test loss falls smoothly and consistently, a straight line on its axes, as the patch shrinks to one pixel";

    /// <inheritdoc/>
    public override string Cost => "6 min, shared with table1";

    /// <inheritdoc/>
    public override IReadOnlyList<RunConfig> Grid(ExperimentOptions options) => [.. Table1.Curves(options)];

    /// <inheritdoc/>
    public override Report Report(ExperimentContext context)
    {
        var options = context.Options;
        var paper = Figure1Report.Make();
        var sweeps = context
            .Results.GroupBy(result => (result.Config.Family, Size: result.Config.Model.Height))
            .Select(group =>
                (Name: $"{group.Key.Family} at {group.Key.Size}x{group.Key.Size}", Sweep: new PatchSummary([.. group]))
            )
            .ToList();
        var budgets = Table1.Budgets(options).ToList();
        var further = budgets.Select(context.Store.Find).OfType<RunResult>().ToList();
        List<Forecast> forecasts =
        [
            .. Forecast.OfPaper(),
            .. sweeps.Select(entry => Forecast.Of(entry.Name, Origin.ThisRun, entry.Sweep)).OfType<Forecast>(),
        ];
        List<ReportTable> tables = [Readings(paper), Fits(paper), Predictions(paper), Losses(sweeps)];
        List<Verdict> verdicts = [Falls(paper), Foretold(paper)];
        List<Claim> claims = [];
        foreach (var (name, sweep) in sweeps)
        {
            if (sweep.FitTable($"{name}: the law fitted to the losses") is { } fit)
                tables.Add(fit);
            tables.Add(
                Frontier(
                    name,
                    [
                        .. sweep.Results,
                        .. further.Where(run =>
                            run.Config.Family == sweep.Results[0].Config.Family
                            && run.Config.Model.Height == sweep.Results[0].Config.Model.Height
                        ),
                    ]
                )
            );
            claims.Add(
                sweep.Falls($"{name}: the loss falls with every halving of the patch") with
                {
                    Beside = Plateaus.Of(context, sweep.Results),
                }
            );
            verdicts.AddRange([VerdictRule.Of(claims[^1], options.Scale), Foretold(name, sweep, options.Scale)]);
        }
        tables.AddRange([Forecast.Table(forecasts), VerdictRule.Table(claims)]);
        return new Report
        {
            Experiment = Name,
            Title = Title,
            Scale = options.Scale,
            Data = string.Join(" and ", sweeps.Select(entry => entry.Sweep.Results[0].Config.Data.Title).Distinct()),
            Tables = tables,
            Figures = [Forecast.Draw(forecasts)],
            Verdicts = verdicts,
            Caveats =
            [
                $"The paper's panels as they were read: {PaperNumbers.Figure1Precision}.",
                "Where an interval of the floor begins at 0, or one of alpha ends "
                    + $"at {LeastSquares.GreatestAlpha}, the losses set no end there.",
                .. paper.Meaning,
                .. budgets.Count > further.Count
                    ?
                    [
                        $"Of the {budgets.Count} runs at other budgets, which make the best patch size for "
                            + $"a budget more than a list of what fits it, {further.Count} are in the cache; "
                            + "table1 trains them.",
                    ]
                    : Array.Empty<string>(),
                .. Caveats.For(options),
            ],
            Machine = Machine.Here(options.Device),
        };
    }

    // ---- the paper's panels ----------------------------------------------------------------------------

    private static ReportTable Readings(Figure1Report paper)
    {
        int[] patches =
        [
            .. paper
                .Rows.SelectMany(row => row.Panel.Points)
                .Select(point => (int)point.PatchSize)
                .Distinct()
                .OrderDescending(),
        ];
        return new(
            "The paper's panels, read off the picture: test loss",
            ["panel", .. patches.Select(patch => $"p={patch}"), "here"],
            [
                .. paper.Rows.Select(row =>
                    (IReadOnlyList<string>)
                        [
                            Label(row),
                            .. patches.Select(patch =>
                                row.Panel.Points.FirstOrDefault(point => point.PatchSize == patch) is { } point
                                    ? Text(point.Loss)
                                    : ""
                            ),
                            Here(row.Panel),
                        ]
                ),
            ]
        );
    }

    private static ReportTable Fits(Figure1Report paper) =>
        new(
            "The paper's panels: loss = floor + a p^alpha by least squares, beside what the axis's ticks say",
            ["panel", "tick floor", "floor", "95% interval", "tick alpha", "alpha", "95% interval", "plain power law"],
            [
                .. paper.Rows.Select(row =>
                    (IReadOnlyList<string>)
                        [
                            Label(row),
                            Text(row.Panel.TickFloor),
                            Text(row.Fit.Law.Floor),
                            $"{row.Fit.FloorInterval}",
                            Short(row.Panel.TickAlpha),
                            $"{Short(row.Fit.Law.Alpha)}"
                                + $"{(row.Fit.AlphaAtBound is { } sentence ? $" ({sentence})" : "")}",
                            Short(row.Fit.AlphaInterval),
                            $"{PowerLawFit.To(row.Panel.Points, PowerLawForm.Plain).Law}",
                        ]
                ),
            ]
        );

    private static ReportTable Predictions(Figure1Report paper) =>
        new(
            "The paper's panels: the smallest patch predicted from the larger ones",
            [
                "panel",
                "p",
                "read",
                "law with a floor",
                "95% interval",
                "holds it",
                "missed by",
                "plain law",
                "missed by",
                "closer",
            ],
            [
                .. paper.Rows.Select(row =>
                {
                    var (floor, plain) = (row.Choice.WithFloor, row.Choice.Plain);
                    return (IReadOnlyList<string>)
                        [
                            Label(row),
                            $"{floor.Prediction.PatchSize}",
                            Text(floor.Measured),
                            Text(floor.Prediction.Loss),
                            $"{floor.Prediction.Interval}",
                            floor.Covered ? "yes" : "no",
                            Signed(floor.Miss),
                            Text(plain.Prediction.Loss),
                            Signed(plain.Miss),
                            row.Choice.Fit.Form == PowerLawForm.Plain ? "plain" : "floor",
                        ];
                }),
            ]
        );

    private static Verdict Falls(Figure1Report paper)
    {
        int falling = paper.Rows.Count(row => row.Panel.Points.Select(point => point.Loss).IsFalling());
        return VerdictRule.OfNumbers(
            "The paper's panels: the loss falls with every halving of the patch",
            falling == paper.Rows.Count,
            $"In {falling} of {paper.Rows.Count} panels as they were read."
        );
    }

    private static Verdict Foretold(Figure1Report paper)
    {
        var forecasts = paper.Rows.Select(row => row.Choice.WithFloor).ToList();
        var narrow = forecasts.Where(forecast => forecast.Says).ToList();
        int held = narrow.Count(forecast => forecast.Covered),
            high = forecasts.Count(forecast => forecast.Miss > 0),
            plain = paper.Rows.Count(row => row.Choice.Fit.Form == PowerLawForm.Plain);
        return VerdictRule.OfForecast(
            "The paper's panels: a power law with a floor, fitted to the larger patches, foretells the smallest",
            forecasts,
            null,
            Scale.Paper,
            $"In {narrow.Count} of {forecasts.Count} panels the 95% interval is narrower than the curve is "
                + $"high; it holds {held} of their readings, and lies below the loss of the patch before "
                + $"in {narrow.Count(forecast => forecast.ForetellsAFall)}. Least squares misses high "
                + $"in {high} of {forecasts.Count}, and the plain law is closer in {plain}."
        );
    }

    // ---- our sweeps ------------------------------------------------------------------------------------

    private static ReportTable Losses(IReadOnlyList<(string Name, PatchSummary Sweep)> sweeps)
    {
        int[] patches = [.. sweeps.SelectMany(entry => entry.Sweep.Patches).Distinct().OrderDescending()];
        return new(
            "Here: test loss, mean over seeds",
            ["", .. patches.Select(patch => $"p={patch}"), "seeds"],
            [
                .. sweeps.Select(entry =>
                    (IReadOnlyList<string>)
                        [
                            entry.Name,
                            .. patches.Select(patch =>
                                entry.Sweep.Patches.Contains(patch) ? ReportNumber.Number(entry.Sweep.Loss(patch)) : ""
                            ),
                            $"{entry.Sweep.Seeds}",
                        ]
                ),
            ]
        );
    }

    private static Verdict Foretold(string name, PatchSummary sweep, Scale scale)
    {
        string effect = $"{name}: a power law with a floor, fitted to the larger patches, foretells the smallest";
        int smallest = sweep.Patches[^1];
        if (Forecast.Of(name, Origin.ThisRun, sweep) is not { Test: var test })
            return VerdictRule.Of(
                new Claim(effect, [])
                {
                    Missing =
                        $"{sweep.Patches.Count} patch sizes and {sweep.Results.Count} runs are too few for "
                        + "its three parameters: it takes four patch sizes, and four runs above the smallest.",
                },
                scale
            );
        return VerdictRule.OfForecast(
            effect,
            [test],
            PatchSummary.Step(
                $"{sweep.Patches[^2]} to {smallest}",
                sweep.At(sweep.Patches[^2]),
                sweep.At(smallest),
                run => run.Test.Loss
            ),
            scale,
            $"p={smallest}: foretold {ReportNumber.Number(test.Prediction.Loss)} {test.Prediction.Interval}, "
                + $"measured {ReportNumber.Number(test.Measured)}, missed by {ReportNumber.Signed(test.Miss)}; "
                + $"p={sweep.Patches[^2]} has {ReportNumber.Number(test.Before)}."
        );
    }

    private static ReportTable Frontier(string name, IReadOnlyList<RunResult> runs)
    {
        var frontier = new ComputeFrontier(
            runs.Select(run => new BudgetedPoint(run.Config.Model.PatchSize, Flops(run.Config), run.Test.Loss))
        );
        double least = runs.Min(run => Flops(run.Config)),
            most = runs.Max(run => Flops(run.Config));
        return new(
            $"{name}: the patch size that a training budget is best spent on, from {runs.Count} runs",
            ["training FLOPs", "best p", "its loss", .. frontier.PatchSizes.Select(patch => $"p={patch}")],
            [
                .. Enumerable
                    .Range(0, Budgets)
                    .Select(i =>
                    {
                        double flops = i == Budgets - 1 ? most : least * Math.Pow(most / least, i / (Budgets - 1.0));
                        var best = frontier.Best(flops);
                        return (IReadOnlyList<string>)
                            [
                                flops.ToString("0.0e+00", CultureInfo.InvariantCulture),
                                $"{best.PatchSize}",
                                ReportNumber.Number(best.Loss),
                                .. frontier.PatchSizes.Select(patch =>
                                    frontier.LossAt(patch, flops) is { } loss ? ReportNumber.Number(loss) : "too dear"
                                ),
                            ];
                    }),
            ]
        );
    }

    // Of all stages.
    private static double Flops(RunConfig config) =>
        config.Flops + (config.StartsFrom is { } earlier ? Flops(earlier) : 0);

    private static string Label(Figure1Row row) => $"{row.Panel.Letter} {row.Panel.What}";

    private static string Here(Figure1Panel panel) =>
        panel.What.Contains("classification", StringComparison.Ordinal)
            ? panel.What.StartsWith("DeiT", StringComparison.Ordinal)
                ? "ViT"
                : "Adventurer"
            : "not run here";

    private static string Text(double loss) => loss.ToString("0.0000", CultureInfo.InvariantCulture);

    private static string Signed(double loss) => loss.ToString("+0.0000;-0.0000", CultureInfo.InvariantCulture);

    private static string Short(double alpha) => alpha.ToString("0.00", CultureInfo.InvariantCulture);

    private static string Short(Interval interval) => $"[{Short(interval.Low)}, {Short(interval.High)}]";
}
