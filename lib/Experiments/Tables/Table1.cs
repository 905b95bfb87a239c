using System.Globalization;
using PatchKit.Experiments.Reports;
using PatchKit.Experiments.Sweeps;
using PatchKit.Experiments.Verdicts;
using PatchKit.Models;
using PatchKit.ScalingLaws;
using PatchKit.Training;
using PatchKit.Training.Runs;

namespace PatchKit.Experiments.Tables;

// Table 1: test accuracy and loss against the patch size, for both families, at 64 to 224 pixels.
//
//   command    patchkit run table1 --scale teach            (--pixels adds the next smaller patch, p = 1 at 16
//              pixels; --data DIR for real images)
//   cost       about 6 minutes on two CPU cores for five seeds; with CIFAR-10 about 39 for three (reckoned from one)
//              CIFAR-10 with --pixels --longer 4: hours, most of them for the longer trainings
//              gpu, CIFAR-10, three seeds: 2.6e17 operations, 44 minutes at 100 TFLOP/s (counted, not measured)
//   expected   the loss falls at every halving of the patch, for both families

/// <summary>Table 1: the smaller the patch, the lower the test loss.</summary>
public sealed class Table1 : Experiment
{
    // Generated images are cheap, and some seeds learn late: with five an interval is half as wide as with three, and
    // the sign test can reach 5%.
    private const int GeneratedSeeds = 5;

    // Of the scale's steps. Larger patches are cheap: they get the chance to catch up.
    private static readonly (double Budget, int SmallestPatch)[] s_budgets = [(.25, 2), (.5, 2), (2, 4), (4, 8)];

    /// <inheritdoc/>
    public override string Name => "table1";

    /// <inheritdoc/>
    public override string Title => "Table 1: classification by patch size";

    /// <inheritdoc/>
    public override string Claim =>
        "test loss falls and accuracy rises with every halving of the patch, down to one pixel, for ViT and Adventurer";

    /// <inheritdoc/>
    public override string Cost => "6 min; --pixels 12 more; CIFAR-10 39 min";

    /// <inheritdoc/>
    public override IReadOnlyList<RunConfig> Grid(ExperimentOptions options) =>
        options.Checkpoints is null ? [.. Curves(options), .. Budgets(options), .. LongerTrainings.Runs(options)] : [];

    /// <inheritdoc/>
    public override Report Report(ExperimentContext context)
    {
        var options = context.Options;
        if (options.Checkpoints is { } folder)
            return Released(folder, context);
        var keys = Curves(options).Select(config => config.Key).ToHashSet();
        var groups = context
            .Results.Where(result => keys.Contains(result.Key))
            .GroupBy(result => (result.Config.Family, Size: result.Config.Model.Height))
            .ToList();
        List<ReportTable> tables = [];
        List<Claim> claims = [];
        foreach (var group in groups)
        {
            var sweep = new PatchSummary([.. group]);
            string name = $"{group.Key.Family} at {group.Key.Size}x{group.Key.Size}";
            tables.Add(sweep.Table($"{name}: test loss and accuracy{PatchSummary.MeanOf(sweep.Seeds)}"));
            if (sweep.BitTable($"{name}: accuracy by scale of detail") is { } bits)
                tables.Add(bits);
            if (sweep.FitTable($"{name}: the law fitted to the losses") is { } fit)
                tables.Add(fit);
            if (
                Plateaus.Table(
                    context,
                    sweep,
                    $"{name}: does the training loss still fall? From the seventh tenth of the steps to the last"
                ) is
                { } ends
            )
                tables.Add(ends);
            claims.Add(
                sweep.Falls($"{name}: the loss falls with every halving of the patch") with
                {
                    Beside = Plateaus.Of(context, sweep.Results),
                }
            );
        }
        if (BudgetTable(context) is { } budgets)
            tables.Add(budgets);
        var longer = new LongerTrainings(context);
        tables.AddRange(longer.Tables());
        claims.AddRange(longer.Claims());
        tables.AddRange([VerdictRule.Table(claims), Paper()]);
        return new Report
        {
            Experiment = Name,
            Title = Title,
            Scale = options.Scale,
            Data = string.Join(" and ", groups.Select(group => group.First().Config.Data.Title).Distinct()),
            Tables = tables,
            Verdicts = VerdictRule.Of(claims, options.Scale),
            Caveats = Caveats.For(options),
            Machine = Machine.Here(options.Device),
        };
    }

    /// <summary>The runs of the curves, which figure1 fits.</summary>
    internal static IEnumerable<RunConfig> Curves(ExperimentOptions options) =>
        from size in Sizes(options)
        from seed in options.SeedList(options.Data is null ? GeneratedSeeds : VerdictRule.FewestSeeds)
        from family in ClassificationGrid.Families
        from patch in Patches(options, size)
        // the dearest runs: no more than make an interval
        where
            patch > 1
            || options.Scale > Scale.Teach
            || options.Seeds is not null
            || seed < options.FirstSeed + VerdictRule.FewestSeeds
        select ClassificationGrid.Run(options, family, size, patch, seed);

    // Nothing is trained: the cells that released weights can check are filled, the others marked.
    private Report Released(string folder, ExperimentContext context) =>
        new()
        {
            Experiment = Name,
            Title = Title,
            Scale = context.Options.Scale,
            Data = $"{context.Options.Data}",
            Tables = [ReleasedWeights.Check(folder, context)],
            Verdicts =
            [
                VerdictRule.Of(
                    new Claim("The loss falls with every halving of the patch", [])
                    {
                        Missing = "These are the paper's own weights: they check its numbers, not its claim.",
                    },
                    context.Options.Scale
                ),
            ],
            Machine = Machine.Here(context.Options.Device),
        };

    /// <summary>
    /// The runs at other budgets. One family and one seed are enough to tell learning speed from capacity.
    /// </summary>
    internal static IEnumerable<RunConfig> Budgets(ExperimentOptions options) =>
        options.Scale != Scale.Teach || options.Data is not null
            ? []
            : from budget in s_budgets
            from patch in Patches(options, ClassificationGrid.GeneratedSize)
            where patch >= budget.SmallestPatch
            select ClassificationGrid.Run(
                options with
                {
                    Budget = options.Budget * budget.Budget,
                },
                Family.ViT,
                ClassificationGrid.GeneratedSize,
                patch,
                options.FirstSeed
            );

    private static int[] Sizes(ExperimentOptions options) =>
        (options.Scale, options.Data) switch
        {
            (Scale.Paper, _) => [64, 128, 224],
            (Scale.Gpu, _) => [32],
            (_, null) => [ClassificationGrid.GeneratedSize],
            (Scale.Smoke, _) => [16],
            _ => [16, 32],
        };

    private static IEnumerable<int> Patches(ExperimentOptions options, int size)
    {
        int[] patches = (options.Scale, options.Data) switch
        {
            (Scale.Smoke, _) => [8, 4, 2],
            (Scale.Teach, null) => [16, 8, 4, 2],
            (Scale.Teach, _) => size == 16 ? [8, 4, 2] : [16, 8, 4],
            _ => [16, 8, 4, 2, 1],
        };
        return options.Pixels && patches[^1] > 1 ? [.. patches, patches[^1] / 2] : patches;
    }

    private static ReportTable? BudgetTable(ExperimentContext context)
    {
        var options = context.Options;
        if (!Budgets(options).Any())
            return null;
        var patches = Patches(options, ClassificationGrid.GeneratedSize).ToList();
        var all = s_budgets.Select(entry => entry.Budget).Append(1).Order().ToList();
        var rows = all.Select(budget =>
        {
            var cells = patches.Select(patch =>
            {
                string key = ClassificationGrid
                    .Run(
                        options with
                        {
                            Budget = options.Budget * budget,
                        },
                        Family.ViT,
                        ClassificationGrid.GeneratedSize,
                        patch,
                        options.FirstSeed
                    )
                    .Key;
                return context.Results.FirstOrDefault(result => result.Key == key) is { } result
                    ? ReportNumber.Number(result.Test.Loss)
                    : "";
            });
            return (IReadOnlyList<string>)[$"{budget:0.##} x", .. cells];
        });
        return new ReportTable(
            $"ViT at {ClassificationGrid.GeneratedSize}x{ClassificationGrid.GeneratedSize}, seed "
                + $"{options.FirstSeed}: test loss by "
                + "training budget (is it capacity or learning speed?)",
            ["steps", .. patches.Select(patch => $"p={patch}")],
            [.. rows]
        );
    }

    private static ReportTable Paper() =>
        new(
            "The paper: ImageNet-1k top-1, %",
            ["model, input", "p=16", "p=8", "p=4", "p=2", "p=1"],
            [
                .. PaperNumbers
                    .Table1.GroupBy(cell => (cell.Model, cell.Input))
                    .Select(row =>
                        (IReadOnlyList<string>)
                            [
                                $"{row.Key.Model}, {row.Key.Input}",
                                .. row.Select(cell => cell.Top1?.ToString("0.0", CultureInfo.InvariantCulture) ?? ""),
                            ]
                    ),
            ]
        );
}
