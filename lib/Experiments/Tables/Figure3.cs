using System.Globalization;
using PatchKit.Experiments.Reports;
using PatchKit.Experiments.Sweeps;
using PatchKit.Experiments.Verdicts;
using PatchKit.Models;
using PatchKit.ScalingLaws;
using PatchKit.Training;
using PatchKit.Training.Runs;

namespace PatchKit.Experiments.Tables;

// Figure 3: two ways to spend operations on a model with large patches: smaller patches, or more parameters.
//
//   command    patchkit run figure3 --scale teach
//   cost       about 14 minutes on two CPU cores, 6 of them shared with table1
//   expected   smaller patches reach a lower loss than wider models of as many operations

/// <summary>Figure 3: patch size against parameters, over operations.</summary>
public sealed class Figure3 : Experiment
{
    /// <inheritdoc/>
    public override string Name => "figure3";

    /// <inheritdoc/>
    public override string Title => "Figure 3: smaller patches against more parameters";

    /// <inheritdoc/>
    public override string Claim => "parameters stop paying (past about 760M in the paper) where smaller patches go on";

    /// <inheritdoc/>
    public override string Cost => "14 min, 8 after table1";

    /// <inheritdoc/>
    public override IReadOnlyList<RunConfig> Grid(ExperimentOptions options) =>
        [.. Ways(options).Concat(BudgetGrid.Runs(options)).DistinctBy(config => config.Key)];

    /// <summary>
    /// The runs of the two ways, which the figure of the paper shows; the others are of the grid of budgets.
    /// </summary>
    internal static IEnumerable<RunConfig> Ways(ExperimentOptions options) =>
        from seed in options.SeedList()
        from family in ClassificationGrid.Families
        from config in ByPatch(options, family, seed)
            .Concat(ByWidth(options, family, seed))
            .DistinctBy(config => config.Key)
        select config;

    /// <inheritdoc/>
    public override Report Report(ExperimentContext context)
    {
        var options = context.Options;
        List<ReportTable> tables = [];
        List<Claim> claims = [];
        foreach (var family in ClassificationGrid.Families)
        {
            var (byPatch, byWidth) = (
                Points(config => ByPatch(options, family, config)),
                Points(config => ByWidth(options, family, config))
            );
            tables.Add(
                new ReportTable(
                    $"{family} at {Size(options, family)}x{Size(options, family)}: test loss over operations",
                    ["", "parameters", "MMACs per image", "test loss", "top-1, %"],
                    [
                        .. byPatch
                            .Concat(byWidth.Skip(1))
                            .Select(point =>
                                (IReadOnlyList<string>)
                                    [
                                        point.Name,
                                        point.Parameters.ToString("N0", CultureInfo.InvariantCulture),
                                        (point.Macs / 1e6).ToString("0.0", CultureInfo.InvariantCulture),
                                        ReportNumber.Number(point.Loss),
                                        ReportNumber.Percent(point.Top1),
                                    ]
                            ),
                    ]
                )
            );
            var rivals = byPatch
                .Skip(1)
                .Select(point =>
                    (point, Width: byWidth.Where(other => other.Macs >= point.Macs).MinBy(other => other.Macs))
                )
                .Where(pair => pair.Width.Name is not null)
                .ToList();
            var losses = rivals.Select(pair =>
                $"{pair.point.Name} {ReportNumber.Number(pair.point.Loss)} against "
                + $"{pair.Width.Name} {ReportNumber.Number(pair.Width.Loss)}"
            );
            string effect = $"{family}: smaller patches reach a lower loss than a wider model of no fewer operations";
            claims.Add(
                new Claim(
                    effect,
                    [
                        .. rivals.Select(pair =>
                            Step($"{pair.Width.Name} to {pair.point.Name}", pair.Width.Runs, pair.point.Runs)
                        ),
                    ]
                )
                {
                    Scores = rivals.Count == 0 ? "" : $"{string.Join(", ", losses)}.",
                    Missing =
                        rivals.Count == 0
                            ? "No wider model of this grid takes as many operations as a smaller patch."
                            : "",
                    Beside = Plateaus.Of(
                        context,
                        byPatch.Concat(byWidth).SelectMany(point => point.Runs).DistinctBy(run => run.Key),
                        config => $"p={config.Model.PatchSize}, D={config.Model.EmbedDim},"
                    ),
                }
            );
            string fade = $"{family}: wider models gain, and the gain fades";
            claims.Add(
                byWidth.Count < 3
                    ? new Claim(fade, []) { Missing = "Two widths make no trend." }
                    : Fades(
                        fade,
                        Step("the first widening", byWidth[0].Runs, byWidth[1].Runs),
                        Step("the last", byWidth[^2].Runs, byWidth[^1].Runs)
                    )
            );

            List<(
                string Name,
                long Parameters,
                long Macs,
                double Loss,
                IReadOnlyList<RunResult> Runs,
                double Top1
            )> Points(Func<long, IEnumerable<RunConfig>> grid) =>
                [
                    .. options
                        .SeedList()
                        .SelectMany(grid)
                        .GroupBy(config => (config.Model.PatchSize, config.Model.EmbedDim, config.Model.Depth))
                        .Select(cell =>
                        {
                            var runs = cell.Select(config => context.Results.First(result => result.Key == config.Key))
                                .ToList();
                            return (
                                $"p={cell.Key.PatchSize}, D={cell.Key.EmbedDim}",
                                runs[0].Parameters,
                                runs[0].Config.Model.Cost().Macs,
                                runs.Average(run => run.Test.Loss),
                                (IReadOnlyList<RunResult>)runs,
                                runs.Average(run => run.Test.Top1)
                            );
                        }),
                ];
        }
        var frontier = BudgetGrid.Runs(options).Count == 0 ? null : BudgetFigure.Frontier(context.Results);
        int side = ClassificationGrid.GeneratedSize;
        string which = $"{Family.ViT} at {side}x{side}: which patch for a budget";
        if (frontier is not null)
            tables.Add(BudgetFigure.Table(frontier, $"{which}, from {frontier.Cells.Count} models and lengths"));
        tables.AddRange([VerdictRule.Table(claims), Paper()]);
        return new Report
        {
            Experiment = Name,
            Title = Title,
            Scale = options.Scale,
            Data = context.Results[0].Config.Data.Title,
            Tables = tables,
            Figures = frontier is null ? [] : [BudgetFigure.Draw(frontier, which)],
            Verdicts = VerdictRule.Of(claims, options.Scale),
            Caveats =
            [
                .. frontier is null
                    ? []
                    : new[]
                    {
                        "A budget's holder was chosen for its mean over the same seeds that its lead is "
                            + "taken from, which flatters the lead a little; nothing is interpolated between "
                            + "the runs of the grid, and no rate was tuned for a width or a length.",
                    },
                .. Caveats.For(options),
            ],
            Machine = Machine.Here(options.Device),
        };
    }

    private static Claim Fades(string effect, PairedStep first, PairedStep last) =>
        new(effect, [first, first.Less("how much more that gains than the last", last)])
        {
            Scores =
                $"The first widening lowers the loss by {ReportNumber.Number(first.Mean)}, the last "
                + $"by {ReportNumber.Number(last.Mean)}.",
        };

    private static PairedStep Step(string name, IReadOnlyList<RunResult> from, IReadOnlyList<RunResult> to) =>
        PatchSummary.Step(name, from, to, run => run.Test.Loss);

    private static IEnumerable<RunConfig> ByPatch(ExperimentOptions options, Family family, long seed) =>
        Patches(options, family)
            .Select(patch => ClassificationGrid.Run(options, family, Size(options, family), patch, seed));

    // From the usual width upwards, at the largest patch.
    private static IEnumerable<RunConfig> ByWidth(ExperimentOptions options, Family family, long seed)
    {
        string usual = options.Scale switch
        {
            Scale.Paper => "base",
            Scale.Gpu => "tiny",
            _ => "48",
        };
        var widths =
            options.Scale == Scale.Paper && family == Family.Adventurer
                ? [.. ClassificationGrid.Widths(options.Scale, family), "huge"]
                : ClassificationGrid.Widths(options.Scale, family);
        return widths
            .SkipWhile(width => width != usual)
            .Select(width =>
                ClassificationGrid.Run(
                    options,
                    family,
                    Size(options, family),
                    Patches(options, family)[0],
                    seed,
                    width == usual ? null : width
                )
            );
    }

    private static int Size(ExperimentOptions options, Family family) =>
        options.Scale switch
        {
            Scale.Paper => family == Family.ViT ? 128 : 224,
            Scale.Gpu => 32,
            _ => ClassificationGrid.GeneratedSize,
        };

    private static int[] Patches(ExperimentOptions options, Family family) =>
        options.Scale switch
        {
            Scale.Smoke => [8, 4],
            Scale.Paper => family == Family.ViT ? [16, 8, 4, 2] : [16, 8, 4, 2, 1],
            _ => [8, 4, 2],
        };

    // The figure has no numbers; these cells of Tables 1 and 4 lie on its curves.
    private static ReportTable Paper()
    {
        var rows = new List<IReadOnlyList<string>>();
        foreach (
            var cell in PaperNumbers.Table1.Where(cell =>
                (cell.Model, cell.Input) is ("Adventurer-Base", 224) or ("DeiT-Base", 128)
            )
        )
            rows.Add(["Table 1", $"{cell.Model}/{cell.PatchSize} at {cell.Input}", Text(cell.Top1)]);
        foreach (var cell in PaperNumbers.Table4.Where(cell => cell is { PatchSize: 16, Input: 224 }))
            rows.Add(["Table 4", $"{cell.Model}/16 at 224", Text(cell.Top1)]);
        rows.Add(["Figure 3", "Adventurer-Large and -Huge at 224, DeiT-Large and -Huge at 128", Text(null)]);
        return new ReportTable(
            "The paper: ImageNet-1k top-1, %, as far as its tables have the figure's points",
            ["from", "model", "top-1"],
            rows
        );

        static string Text(double? top1) => top1?.ToString("0.0", CultureInfo.InvariantCulture) ?? "not published";
    }
}
