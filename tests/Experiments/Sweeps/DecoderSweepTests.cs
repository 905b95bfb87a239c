using PatchKit.Data;
using PatchKit.Experiments;
using PatchKit.Experiments.Sweeps;
using PatchKit.Experiments.Tables;
using PatchKit.Experiments.Verdicts;
using PatchKit.Metrics;
using PatchKit.Models;
using PatchKit.Models.Segmentation;
using PatchKit.Tests.Data.Segmentation;
using PatchKit.Training;
using PatchKit.Training.Recipes;
using PatchKit.Training.Runs;
using PatchKit.Training.Tasks;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Experiments.Sweeps;

/// <summary>table2, figure2 and figure1d at `smoke`, and their verdicts on numbers that are known.</summary>
[Trait("speed", "seconds")]
public sealed class DecoderSweepTests(SmokeRuns runs) : IClassFixture<SmokeRuns>
{
    [Fact]
    public void ExperimentsRunAndReport()
    {
        foreach (var (name, verdicts) in new[] { ("table2", 4), ("figure2", 2), ("figure1d", 1) })
        {
            var report = runs.Run(name);
            Assert.Equal(verdicts, report.Verdicts.Count);
            Assert.All(report.Verdicts, verdict => Assert.Equal(Outcome.NotTestable, verdict.Outcome));
            Assert.NotEmpty(report.Caveats);
            Assert.All(
                report.Tables,
                table => Assert.All(table.Rows, row => Assert.Equal(table.Columns.Count, row.Count))
            );
            Assert.Contains(report.Tables, table => table.Title.StartsWith("The paper", StringComparison.Ordinal));
        }
        // two patch sizes, two decoders, and the backbones
        Assert.Equal(4 + 2, runs.Store.List().Count);
    }

    [Fact]
    public void RealScenesTakeTheirOwnPatchSizes()
    {
        string folder = Directory.CreateTempSubdirectory("patchkit-scenes-").FullName;
        try
        {
            var options = new ExperimentOptions
            {
                Scale = Scale.Smoke,
                Data = Scenes.Write(folder),
                FirstSeed = 1,
            };
            var grid = new Table2().Grid(options);
            // of 30 x 40 pixels: 10 makes 12 tokens
            Assert.Equal([5, 2], grid.Select(config => config.Model.PatchSize).Distinct());
            Assert.All(grid, config => Assert.Equal((30, 40), (config.Model.Height, config.Model.Width)));
            Assert.All(grid, config => Assert.Equal(config.Model.PatchSize, config.StartsFrom!.Model.PatchSize));
            Assert.Single(grid.Select(config => config.StartsFrom!.Model.Height).Distinct());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void LargeScalesSayWhatTheyNeed()
    {
        Assert.Contains(
            "--data",
            Assert
                .Throws<ArgumentException>(() => new Table2().Grid(new ExperimentOptions { Scale = Scale.Gpu }))
                .Message
        );
        Assert.Contains(
            "--pretraining",
            Assert
                .Throws<ArgumentException>(() =>
                    new Figure2().Grid(new ExperimentOptions { Scale = Scale.Paper, Data = "x" })
                )
                .Message
        );
    }

    [Fact]
    public void OneRecipeServesAllPatchSizesAndDecoders() =>
        Assert.Single(new Table2().Grid(new ExperimentOptions()).Select(config => config.Recipe).Distinct());

    [Theory]
    [InlineData("shrinks", Outcome.Shown)]
    [InlineData("shrinks within the spread", Outcome.ShownInTheMean)]
    [InlineData("grows", Outcome.NotShown)]
    [InlineData("is none", Outcome.NotShown)]
    public void TheGapIsHeldAgainstItsSpread(string gap, Outcome outcome)
    {
        var sweep = Sweep(
            (patch, seed) =>
                gap switch
                {
                    "shrinks" => .01 * patch + .001 * seed,
                    "shrinks within the spread" => .001 * patch + .1 * (patch == 16 ? seed : 2 - seed),
                    "grows" => .2 - .01 * patch,
                    _ => -.01 * patch,
                }
        );
        var verdict = VerdictRule.Of(sweep.Diminishes("the gap diminishes"), Scale.Teach);
        Assert.Equal(
            (outcome, outcome),
            (verdict.Outcome, VerdictRule.Of(sweep.LossDiminishes("in loss"), Scale.Teach).Outcome)
        );
        Assert.Contains("p=16", verdict.Because);
        Assert.Equal(Outcome.Shown, VerdictRule.Of(sweep.Rises("mIoU rises"), Scale.Teach).Outcome);
        Assert.Equal(3, sweep.Gaps(8).Count);
        Assert.Contains("standard deviation", sweep.GapTable("gaps").ToMarkdown());
    }

    // mIoU of one linear layer falls by a hundredth for each pixel of the patch; UperNet's is higher by the gap, its
    // loss as much lower.
    private static DecoderSummary Sweep(Func<int, long, double> gap)
    {
        var results =
            from patch in new[] { 16, 8, 4 }
            from seed in new long[] { 10, 11, 12 }
            from decoder in new[] { SegmentationConfig.Linear, SegmentationConfig.UperNet(8) }
            let gain = decoder.Decoder == DecoderKind.Linear ? 0 : gap(patch, seed - 10)
            select Result(patch, seed, decoder, .6 - .01 * patch + gain, 1 + .01 * patch - gain);
        return new DecoderSummary([.. results]);

        static RunResult Result(int patch, long seed, SegmentationConfig decoder, double mIoU, double loss)
        {
            var config = new RunConfig
            {
                Model = SmallNet.Vit(32, patch, 0),
                Recipe = RecipeBook.Find("segment-teach"),
                Seed = seed,
                Task = new SegmentationTask { Decoder = decoder },
                Data = new GeneratedDataConfig
                {
                    Options = MultiScaleBitsOptions.Segmentation,
                    Annotations = Annotations.Dense,
                },
            };
            return new RunResult(
                config.Key,
                config,
                new EvaluationResult(1, loss, double.NaN, double.NaN, 1),
                loss,
                1,
                1,
                1,
                Machine.Here(CPU),
                "test",
                DateTime.UnixEpoch,
                Scores: new SegmentationResult(mIoU, .9, .8, ["background", "object"], [.9, mIoU], [.9, .7], 100)
            );
        }
    }
}
