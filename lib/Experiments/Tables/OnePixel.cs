using PatchKit.Experiments.Reports;
using PatchKit.Experiments.Sweeps;
using PatchKit.Experiments.Verdicts;
using PatchKit.Models;
using PatchKit.Training;
using PatchKit.Training.Recipes;
using PatchKit.Training.Runs;

namespace PatchKit.Experiments.Tables;

// What one pixel a token needs: the two smallest patches of a ViT at 16 pixels, with one change of recipe or net at a
// time. Not in the paper, which trains every patch size by one recipe, and far longer.
//
//   command    patchkit run onepixel --scale teach --data DIR
//   cost       about 6 minutes on two CPU cores; with CIFAR-10 70 on one (reckoned, not measured)
//   expected   generated images: p = 1 is ahead with every change, .18 to .75 with the recipe
//              20,000 images of CIFAR-10: p = 1 is behind with the recipe; which change narrows the gap is the question

/// <summary>What p = 1 needs, one change at a time, on a seed of which no result is shown.</summary>
public sealed class OnePixel : Experiment
{
    // Below ExperimentOptions.FirstSeed: what is chosen by these runs is judged by others.
    private const long Seed = 0;

    private static readonly Change[] s_changes =
    [
        new("the recipe"),
        new("twice the steps") { Budget = 2 },
        new("half the learning rate") { Of = Scaled(.5) },
        new("twice the learning rate") { Of = Scaled(2) },
        new("four times the warm-up") { Of = run => Trained(run, run.Recipe with { WarmupEpochs = 4 }) },
        new("no weight decay") { Of = run => Trained(run, run.Recipe with { WeightDecay = 0 }) },
        new("twice the depth") { Of = run => run with { Model = run.Model with { Depth = 2 * run.Model.Depth } } },
        new("twice the width") { IsWide = true },
    ];

    private static readonly string[] s_caveats =
    [
        $"Seed {Seed} was looked at while the generated images and the small nets were chosen: what helps here is to "
            + "be judged on other seeds.",
        "A small net and a short training: what a large one needs may be something else.",
    ];

    /// <inheritdoc/>
    public override string Name => "onepixel";

    /// <inheritdoc/>
    public override string Title => "One pixel a token: what it needs";

    /// <inheritdoc/>
    public override string Claim => "the smallest patch has the lower loss, with the recipe and with each change of it";

    /// <inheritdoc/>
    public override string Cost => "6 min; CIFAR-10 70 min";

    /// <inheritdoc/>
    public override IReadOnlyList<RunConfig> Grid(ExperimentOptions options) =>
        [.. from change in s_changes from patch in Patches(options) select Run(options, change, patch)];

    /// <inheritdoc/>
    public override Report Report(ExperimentContext context)
    {
        var options = context.Options;
        var found = context.Results.DistinctBy(result => result.Key).ToDictionary(result => result.Key);
        int[] patches = Patches(options);
        var rows = s_changes
            .Select(change => (change.Name, Runs: patches.Select(patch => found[Run(options, change, patch).Key])))
            .Select(row => (row.Name, Larger: row.Runs.First(), Smaller: row.Runs.Last()))
            .ToList();
        var claims = rows.Select(row => new Claim(
            $"{row.Name}: the loss falls from p={patches[0]} to {patches[1]}",
            [PatchSummary.Step($"{patches[0]} to {patches[1]}", [row.Larger], [row.Smaller], run => run.Test.Loss)]
        ));
        return new Report
        {
            Experiment = Name,
            Title = Title,
            Scale = options.Scale,
            Data = rows[0].Larger.Config.Data.Title,
            Tables =
            [
                new ReportTable(
                    $"ViT, seed {Seed}, one change at a time: test loss, and training loss at the end",
                    ["", .. patches.SelectMany(patch => new[] { $"p={patch}: test", "training" }), "the patch's gain"],
                    [.. rows.Select(row => Row(row.Name, row.Larger, row.Smaller))]
                ),
            ],
            Verdicts = VerdictRule.Of(claims, options.Scale),
            Caveats = s_caveats,
            Machine = Machine.Here(options.Device),
        };
    }

    private static IReadOnlyList<string> Row(string name, RunResult larger, RunResult smaller) =>
        [
            name,
            ReportNumber.Number(larger.Test.Loss),
            ReportNumber.Number(larger.TrainingLoss),
            ReportNumber.Number(smaller.Test.Loss),
            ReportNumber.Number(smaller.TrainingLoss),
            ReportNumber.Signed(larger.Test.Loss - smaller.Test.Loss),
        ];

    private static RunConfig Run(ExperimentOptions options, Change change, int patch) =>
        ClassificationGrid.Run(
            options with
            {
                Budget = options.Budget * change.Budget,
            },
            Family.ViT,
            Size(options),
            patch,
            Seed,
            Width(options.Scale, change.IsWide),
            change.Of
        );

    private static int[] Patches(ExperimentOptions options) => options.Scale == Scale.Smoke ? [4, 2] : [2, 1];

    private static int Size(ExperimentOptions options) =>
        options.Scale switch
        {
            Scale.Paper => 64,
            Scale.Gpu => 32,
            _ => ClassificationGrid.GeneratedSize,
        };

    // DeiT-Tiny and DeiT-Small, and the small nets of 48 and 96, differ in the width alone.
    private static string Width(Scale scale, bool isWide) =>
        scale is Scale.Paper or Scale.Gpu ? (isWide ? "small" : "tiny") : (isWide ? "96" : "48");

    private static Func<RunConfig, RunConfig> Scaled(double rate) =>
        run =>
            Trained(
                run,
                run.Recipe with
                {
                    BaseLearningRate = run.Recipe.BaseLearningRate * rate,
                    MinLearningRate = run.Recipe.MinLearningRate * rate,
                }
            );

    private static RunConfig Trained(RunConfig run, Recipe recipe) => run with { Recipe = recipe };

    private sealed record Change(string Name)
    {
        internal double Budget { get; init; } = 1;
        internal bool IsWide { get; init; }
        internal Func<RunConfig, RunConfig>? Of { get; init; }
    }
}
