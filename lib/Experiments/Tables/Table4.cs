using System.Globalization;
using PatchKit.Experiments.Reports;
using PatchKit.Experiments.Sweeps;
using PatchKit.Experiments.Verdicts;
using PatchKit.Models;
using PatchKit.ScalingLaws;
using PatchKit.Training;
using PatchKit.Training.Runs;

namespace PatchKit.Experiments.Tables;

// Table 4: Adventurer in both dimensions, model size and patch size.
//
//   command    patchkit run table4 --scale teach
//   cost       about 11 minutes on two CPU cores, 3 of them shared with table1
//              gpu, CIFAR-10, three seeds, one at p = 1: 2.8e17 operations beyond table1's, 47 minutes at
//              100 TFLOP/s (counted, not measured)
//   expected   both dimensions lower the loss; the lowest is the widest model at the smallest patch

/// <summary>Table 4: patch size and model size scale together.</summary>
public sealed class Table4 : Experiment
{
    /// <inheritdoc/>
    public override string Name => "table4";

    /// <inheritdoc/>
    public override string Title => "Table 4: model size and patch size";

    /// <inheritdoc/>
    public override string Claim =>
        "smaller patches and wider models gain side by side: the best model is the largest at the smallest patch";

    /// <inheritdoc/>
    public override string Cost => "11 min, 8 after table1";

    /// <inheritdoc/>
    public override IReadOnlyList<RunConfig> Grid(ExperimentOptions options) =>
        [
            .. from size in Sizes(options)
            from seed in Seeds(options)
            from width in Widths(options)
            from patch in Patches(options)
            // the dearest column: one seed
            where patch > 1 || options.Scale != Scale.Gpu || seed == options.FirstSeed
            select ClassificationGrid.Run(options, Family.Adventurer, size, patch, seed, width),
        ];

    /// <inheritdoc/>
    public override Report Report(ExperimentContext context)
    {
        var options = context.Options;
        var (widths, patches) = (Widths(options), Patches(options));
        List<ReportTable> tables = [];
        List<Claim> claims = [];
        foreach (int size in Sizes(options))
        {
            var loss = widths.ToDictionary(
                width => width,
                width => patches.ToDictionary(patch => patch, patch => Cell(width, patch).Average(run => run.Test.Loss))
            );
            int seeds = Seeds(options).Count();
            tables.Add(
                new ReportTable(
                    $"Adventurer at {size}x{size}: test loss{PatchSummary.MeanOf(seeds)}",
                    [
                        "width",
                        .. patches.Select(patch =>
                            $"p={patch}{(Cell(widths[0], patch).Count < seeds ? ", one seed" : "")}"
                        ),
                    ],
                    [
                        .. widths.Select(width =>
                            (IReadOnlyList<string>)
                                [width, .. patches.Select(patch => ReportNumber.Number(loss[width][patch]))]
                        ),
                    ]
                )
            );
            var best = (
                from width in widths
                from patch in patches
                orderby loss[width][patch]
                select (width, patch)
            ).First();
            string at = $"at {size}x{size}";
            var byPatch = (
                from width in widths
                from pair in patches.Zip(patches.Skip(1))
                select Step(
                    $"width {width}, p={pair.First} to {pair.Second}",
                    Cell(width, pair.First),
                    Cell(width, pair.Second)
                )
            ).ToList();
            var byWidth = (
                from patch in patches
                from pair in widths.Zip(widths.Skip(1))
                select Step(
                    $"p={patch}, width {pair.First} to {pair.Second}",
                    Cell(pair.First, patch),
                    Cell(pair.Second, patch)
                )
            ).ToList();
            var (last, smallest) = (widths[^1], patches[^1]);
            var toCorner = (
                from width in widths
                from patch in patches
                where (width, patch) != (last, smallest)
                select Step(
                    $"width {width}, p={patch} to width {last}, p={smallest}",
                    Cell(width, patch),
                    Cell(last, smallest)
                )
            ).ToList();
            claims.AddRange([
                new Claim($"Smaller patches lower the loss at every width, {at}", byPatch)
                {
                    Scores = $"In the mean in {byPatch.Count(step => step.Mean > 0)} of {byPatch.Count} halvings.",
                    Beside = Plateaus.Of(
                        context,
                        context.Results,
                        config => $"width {config.Model.EmbedDim} p={config.Model.PatchSize}"
                    ),
                },
                new Claim($"Wider models lower the loss at every patch size, {at}", byWidth)
                {
                    Scores =
                        $"In the mean in {byWidth.Count(step => step.Mean > 0)} of {byWidth.Count} steps of width.",
                },
                new Claim($"The lowest loss is the widest model's at the smallest patch, {at}", toCorner)
                {
                    Scores =
                        $"The lowest mean is width {best.width}'s at "
                        + $"p={best.patch}: {ReportNumber.Number(loss[best.width][best.patch])}.",
                },
            ]);

            PairedStep Step(string name, IReadOnlyList<RunResult> from, IReadOnlyList<RunResult> to) =>
                PatchSummary.Step(name, from, to, run => run.Test.Loss);

            IReadOnlyList<RunResult> Cell(string width, int patch)
            {
                var model = ClassificationGrid
                    .Run(options, Family.Adventurer, size, patch, options.FirstSeed, width)
                    .Model;
                return context.Where(config => config.Model == model);
            }
        }
        tables.Add(VerdictRule.Table(claims));
        tables.Add(
            new ReportTable(
                "The paper: ImageNet-1k top-1, %",
                ["model, input", "p=16", "p=8", "p=4", "p=2", "p=1"],
                [
                    .. PaperNumbers
                        .Table4.GroupBy(cell => (cell.Model, cell.Input))
                        .Select(row =>
                            (IReadOnlyList<string>)
                                [
                                    $"{row.Key.Model}, {row.Key.Input}",
                                    .. row.Select(cell =>
                                        cell.Top1?.ToString("0.0", CultureInfo.InvariantCulture) ?? ""
                                    ),
                                ]
                        ),
                ]
            )
        );
        return new Report
        {
            Experiment = Name,
            Title = Title,
            Scale = options.Scale,
            Data = context.Results[0].Config.Data.Title,
            Tables = tables,
            Verdicts = VerdictRule.Of(claims, options.Scale),
            Caveats = Caveats.For(options),
            Machine = Machine.Here(options.Device),
        };
    }

    private static IEnumerable<long> Seeds(ExperimentOptions options) => options.SeedList();

    private static int[] Sizes(ExperimentOptions options) =>
        options.Scale switch
        {
            Scale.Paper => [128, 224],
            Scale.Gpu => [32],
            _ => [ClassificationGrid.GeneratedSize],
        };

    private static List<string> Widths(ExperimentOptions options) =>
        [.. ClassificationGrid.Widths(options.Scale, Family.Adventurer).Take(options.Scale == Scale.Teach ? 3 : 4)];

    private static int[] Patches(ExperimentOptions options) =>
        options.Scale switch
        {
            Scale.Smoke => [8, 4],
            Scale.Gpu or Scale.Paper => [16, 8, 4, 2, 1],
            _ => [16, 8, 4, 2],
        };
}
