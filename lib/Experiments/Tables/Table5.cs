using PatchKit.Experiments.Reports;
using PatchKit.Experiments.Sweeps;
using PatchKit.Experiments.Verdicts;
using PatchKit.Models;
using PatchKit.ScalingLaws;
using PatchKit.Training;
using PatchKit.Training.Runs;

namespace PatchKit.Experiments.Tables;

// Table 5: the same sequence lengths reached twice, by interpolating the tokens of large patches and by true smaller
// patches.
//
//   command    patchkit run table5 --scale teach
//   cost       about 8 minutes on two CPU cores, 5 of them shared with table1
//              gpu, CIFAR-10, three seeds: 2.6e17 operations beyond table1's, 44 minutes at 100 TFLOP/s
//              (counted, not measured)
//   expected   smaller patches gain, longer sequences of the same patches do not

/// <summary>Table 5: it is the information in smaller patches that helps, not the longer sequence.</summary>
public sealed class Table5 : Experiment
{
    // Of what true patches gain, the share that interpolated tokens may gain and still be said not to matter.
    private const double Negligible = .25;

    /// <inheritdoc/>
    public override string Name => "table5";

    /// <inheritdoc/>
    public override string Title => "Table 5: longer sequences with and without more information";

    /// <inheritdoc/>
    public override string Claim =>
        "interpolating the tokens of large patches to a longer sequence gains next to nothing; true smaller "
        + "patches of that length gain what Table 1 shows";

    /// <inheritdoc/>
    public override string Cost => "8 min, 3 after table1";

    /// <inheritdoc/>
    public override IReadOnlyList<RunConfig> Grid(ExperimentOptions options) =>
        [
            .. from seed in options.SeedList()
            from family in ClassificationGrid.Families
            from patch in Patches(options, family)
            from extended in patch == Patches(options, family)[0] ? new[] { false } : [false, true]
            select Cell(options, family, patch, extended, seed),
        ];

    /// <inheritdoc/>
    public override Report Report(ExperimentContext context)
    {
        var options = context.Options;
        List<ReportTable> tables = [];
        List<Claim> claims = [];
        foreach (var family in ClassificationGrid.Families)
        {
            int[] patches = Patches(options, family);
            var cells = patches
                .Select(patch => (Patch: patch, Extended: Loss(patch, true), Scaled: Loss(patch, false)))
                .ToList();
            PairedStep byLength = Gain("extended", true),
                byPatch = Gain($"the gain of p={patches[^1]}", false);
            tables.Add(
                new ReportTable(
                    $"{family} at {Size(options, family)}x{Size(options, family)}: test loss (and top-1, %) "
                        + "by sequence length",
                    ["tokens", "by extending", "by scaling"],
                    [
                        .. cells.Select(cell =>
                            (IReadOnlyList<string>)
                                [
                                    $"{Tokens(cell.Patch)}",
                                    $"{Cell(cell.Extended)}",
                                    $"{Cell(cell.Scaled)} (p={cell.Patch})",
                                ]
                        ),
                    ]
                )
            );
            string effect =
                $"{family}: a longer sequence of p={patches[0]} gains next to nothing of what p={patches[^1]} gains";
            claims.Add(
                new Claim(
                    effect,
                    [
                        byPatch,
                        byPatch
                            .Part("", Negligible)
                            .Less($"how much more {Percent(Negligible)} of it is than what extending gains", byLength),
                    ]
                )
                {
                    Scores =
                        $"Extending lowers the loss by {ReportNumber.Number(byLength.Mean)}, true patches "
                        + $"by {ReportNumber.Number(byPatch.Mean)}; less than {Percent(Negligible)} of that "
                        + "is called next to nothing.",
                    Beside = Plateaus.Of(
                        context,
                        context.Where(config => config.Family == family),
                        config => $"p={config.Model.PatchSize}, {config.Model.TokenGrid.Count} tokens,"
                    ),
                }
            );

            PairedStep Gain(string name, bool extended) =>
                PatchSummary.Step(name, Runs(patches[0], false), Runs(patches[^1], extended), run => run.Test.Loss);

            IReadOnlyList<RunResult> Runs(int patch, bool extended) =>
                context.Where(config =>
                    config.Family == family
                    && config.Model.TokenGrid.Count == Tokens(patch)
                    && config.Model.PatchSize == (extended ? patches[0] : patch)
                );

            (double Loss, double Top1) Loss(int patch, bool extended) =>
                Runs(patch, extended) is var runs
                    ? (runs.Average(run => run.Test.Loss), runs.Average(run => run.Test.Top1))
                    : default;

            long Tokens(int patch) => (long)(Size(options, family) / patch) * (Size(options, family) / patch);
        }
        tables.Add(VerdictRule.Table(claims));
        tables.Add(
            new ReportTable(
                "The paper: ImageNet-1k top-1, %",
                ["model, input, tokens", "by extending", "by scaling"],
                [
                    .. PaperNumbers.Table5.Select(row =>
                        (IReadOnlyList<string>)
                            [
                                $"{row.Model}, {row.Input}, {row.Length}",
                                $"{row.ByExtending:0.0}",
                                $"{row.ByScaling:0.0}",
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

        static string Percent(double part) => $"{ReportNumber.Percent(part)} %";

        static string Cell((double Loss, double Top1) cell) =>
            $"{ReportNumber.Number(cell.Loss)} ({ReportNumber.Percent(cell.Top1)})";
    }

    private static RunConfig Cell(ExperimentOptions options, Family family, int patch, bool extended, long seed)
    {
        int first = Patches(options, family)[0];
        return ClassificationGrid.Run(
            options,
            family,
            Size(options, family),
            extended ? first : patch,
            seed,
            change: config => extended ? config with { Model = config.Model with { TokenPatchSize = patch } } : config
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
            Scale.Paper => family == Family.ViT ? [16, 8, 4] : [16, 8, 4, 2],
            Scale.Gpu => [16, 8, 4, 2, 1],
            _ => [8, 4, 2],
        };
}
