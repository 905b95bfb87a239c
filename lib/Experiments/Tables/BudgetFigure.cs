using System.Globalization;
using PatchKit.Display.Figures;
using PatchKit.Display.Tables;
using PatchKit.Experiments.Reports;
using PatchKit.Experiments.Sweeps;
using PatchKit.Models;
using PatchKit.ScalingLaws;
using PatchKit.Training.Runs;

namespace PatchKit.Experiments.Tables;

/// <summary>
/// The frontier of test loss over training FLOPs as a figure and as a table: which patch size a budget is best spent
/// on, and how sure the seeds are of it.
/// </summary>
public static class BudgetFigure
{
    /// <summary>
    /// The frontier of the runs of one family, of all patch sizes, widths and lengths that there are.
    /// </summary>
    /// <param name="results">runs of figure3, or recorded ones.</param>
    /// <param name="family">whose; the grid of budgets is of ViTs.</param>
    /// <exception cref="ArgumentException">There is none of the family.</exception>
    public static BudgetFrontier Frontier(IEnumerable<RunResult> results, Family family = Family.ViT) =>
        new(
            results
                .Where(run => run.Config.Family == family)
                .Select(run => new BudgetedRun(
                    run.Config.Model.PatchSize,
                    run.Config.Model.EmbedDim,
                    run.Config.Steps,
                    run.Config.Flops,
                    run.Config.Seed,
                    run.Test.Loss
                ))
        );

    /// <summary>
    /// Each patch size's own frontier, with the span of its seeds, and the patch size that holds each budget; a
    /// question mark where the seeds are not sure.
    /// </summary>
    /// <param name="frontier">of a grid of runs.</param>
    /// <param name="title">what it shows.</param>
    /// <param name="origin">where the runs are from.</param>
    public static Figure Draw(BudgetFrontier frontier, string title, Origin origin = Origin.ThisRun)
    {
        double most = frontier.Cells.Max(cell => cell.Flops);
        var panel = new Panel(Axis.Log("training", "FLOPs"), new Axis("test loss", "nats"));
        foreach (int patch in frontier.PatchSizes)
        {
            var own = frontier.Of(patch);
            // A loss that was reached is kept at every greater budget: stairs.
            var (x, cells) = Stairs(own, most);
            panel = panel
                .Line($"p={patch}", x, cells.Select(cell => cell.Loss), origin, group: $"p={patch}")
                .Band(
                    "",
                    x,
                    cells.Select(cell => cell.Lowest),
                    cells.Select(cell => cell.Highest),
                    origin,
                    group: $"p={patch}"
                )
                .Scatter(
                    "",
                    own.Select(cell => cell.Flops),
                    own.Select(cell => cell.Loss),
                    origin,
                    group: $"p={patch}"
                );
        }
        foreach (var point in Changes(frontier))
            panel = panel.Note(point.Flops, point.Best.Loss, $"p={point.Best.PatchSize}{(point.IsSure ? "" : "?")}");
        return panel.ToFigure(
            title,
            "lines: the lowest mean loss within a budget; areas: from its best seed to its worst; words: "
                + "where another patch size takes over, with ? where the seeds are not sure"
        );
    }

    /// <summary>The frontier in numbers.</summary>
    /// <param name="frontier">of a grid of runs.</param>
    /// <param name="title">what it shows.</param>
    public static ReportTable Table(BudgetFrontier frontier, string title) =>
        new(
            title,
            [
                "training FLOPs",
                "held by",
                "test loss",
                "from .. to",
                "the best of another patch size",
                "its lead",
                "at least",
                "seeds",
            ],
            [
                .. frontier.Points.Select(point =>
                    (IReadOnlyList<string>)
                        [
                            point.Flops.ToString("0.0e+00", CultureInfo.InvariantCulture),
                            $"{point.Best}",
                            ReportNumber.Number(point.Best.Loss),
                            $"{ReportNumber.Number(point.Best.Lowest)} .. {ReportNumber.Number(point.Best.Highest)}",
                            point.Rival is null
                                ? "none fits"
                                : $"{point.Rival}: {ReportNumber.Number(point.Rival.Loss)}",
                            point.Lead is null ? "none" : ReportNumber.Signed(point.Lead.Mean),
                            point.Lead is not { Count: > 1 } lead ? "no interval" : ReportNumber.Signed(lead.LowerEnd),
                            point.Lead is null
                                ? $"{point.Best.Runs.Count}"
                                : $"{point.Lead.Agreeing} of {point.Lead.Count}{(point.IsSure ? ", sure" : "")}",
                        ]
                ),
            ]
        );

    private static (double[] X, BudgetFrontier.Cell[] Cells) Stairs(IReadOnlyList<BudgetFrontier.Cell> own, double most)
    {
        List<double> x = [];
        List<BudgetFrontier.Cell> cells = [];
        foreach (var (cell, i) in own.Select((cell, i) => (cell, i)))
        {
            double until = i + 1 < own.Count ? own[i + 1].Flops : most;
            (x, cells) = ([.. x, cell.Flops, until], [.. cells, cell, cell]);
        }
        return ([.. x], [.. cells]);
    }

    // The points at which another patch size takes the frontier over.
    private static IEnumerable<BudgetFrontier.Point> Changes(BudgetFrontier frontier) =>
        frontier.Points.Where((point, i) => i == 0 || frontier.Points[i - 1].Best.PatchSize != point.Best.PatchSize);
}
