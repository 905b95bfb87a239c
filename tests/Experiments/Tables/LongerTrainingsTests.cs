using PatchKit.Experiments;
using PatchKit.Experiments.Reports;
using PatchKit.Experiments.Tables;
using PatchKit.Experiments.Verdicts;
using PatchKit.Metrics;
using PatchKit.Tests.Display;
using PatchKit.Training;
using PatchKit.Training.Runs;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Experiments.Tables;

/// <summary>
/// Table 1 on real images down to one pixel, with invented losses: p = 1 behind at equal steps, ahead with four times.
/// </summary>
public sealed class LongerTrainingsTests
{
    private static readonly ExperimentOptions s_images = new()
    {
        Scale = Scale.Teach,
        Data = "cifar-10",
        SizesOnly = true,
    };

    [Fact]
    public void TheyAreTrainedDownToOnePixelOnRealImagesAlone()
    {
        // ViT's four patch sizes and Adventurer's two, two lengths, three seeds; of five seeds no more.
        var pixels = s_images with
        {
            Pixels = true,
            Longer = 4,
        };
        Assert.Equal(36, Longer(pixels).Count);
        Assert.Equal(36, Longer(pixels with { Seeds = 5 }).Count);
        Assert.Equal(12, Longer(pixels with { Seeds = 1 }).Count);
        Assert.Equal(18, Longer(pixels with { Longer = 2 }).Count);
        Assert.Equal(54, Longer(pixels with { Longer = 8 }).Count);
        Assert.Empty(Longer(pixels with { Longer = 1 }));
        Assert.Empty(Longer(pixels with { Pixels = false }));
        Assert.All(Longer(pixels), run => Assert.Equal(16, run.Model.Height));
        Assert.Equal([4800, 9600], Longer(pixels).Select(run => run.Steps).Distinct().Order());
    }

    [Fact]
    public void TheReportSaysWhereOnePixelComesAhead()
    {
        var report = Report(s_images with { Pixels = true, Longer = 4 });
        var verdicts = report.Verdicts.Where(verdict =>
            verdict.Effect.Contains("times the steps") || verdict.Effect.Contains("longer")
        );
        Assert.Equal(
            [
                ("ViT at 16x16, 2 times the steps: the loss falls from p=2 to 1", Outcome.NotShown),
                ("ViT at 16x16, 4 times the steps: the loss falls from p=2 to 1", Outcome.Shown),
                ("ViT at 16x16: longer training favours p=1 over p=2", Outcome.Shown),
            ],
            verdicts.Take(3).Select(verdict => (verdict.Effect, verdict.Outcome))
        );
        var table = report.Tables.Single(table => table.Title.StartsWith("ViT at 16x16, longer trainings"));
        Assert.Equal<IReadOnlyList<string>>(
            [
                ["1 x", "2.010", "2.010", "1.610", "1.610", "1.410", "1.410", "1.660", "1.660"],
                ["2 x", "1.910", "1.910", "1.510", "1.510", "1.310", "1.310", "1.410", "1.410"],
                ["4 x", "1.810", "1.810", "1.410", "1.410", "1.210", "1.210", "1.160", "1.160"],
            ],
            table.Rows
        );
    }

    [Fact]
    public void OnePixelIsHeldAgainstTwoWithOneChangeAtATime()
    {
        var grid = new OnePixel().Grid(s_images);
        Assert.Equal(16, grid.Select(run => run.Key).Distinct().Count());
        Assert.All(grid, run => Assert.Equal((0L, 16), (run.Seed, run.Model.Height)));
        var usual = new Table1().Grid(s_images with { Pixels = true, FirstSeed = 0, Seeds = 1 });
        Assert.Equal(2, grid.Select(run => run.Key).Intersect(usual.Select(run => run.Key)).Count()); // "the recipe"

        var report = Report(new OnePixel(), s_images);
        Assert.All(report.Verdicts, verdict => Assert.Equal(Outcome.NotTestable, verdict.Outcome)); // one seed
        Assert.Equal<IReadOnlyList<string>>(
            [
                ["the recipe", "1.300", "1.300", "1.550", "1.550", "-0.250"],
                ["twice the steps", "1.200", "1.200", "1.300", "1.300", "-0.100"],
            ],
            report.Tables[0].Rows.Take(2)
        );
    }

    /// <summary>A whole report, as it is printed: a snapshot, so that a change of a word or a digit is seen.</summary>
    [Fact]
    public void TheReportIsAsBefore()
    {
        var report = Report(s_images with { Pixels = true, Longer = 2 }) with
        {
            Machine = new Machine("A processor", 2, 2, "cpu", "2.10.0", "A system"),
            Commit = "0000000",
            Date = new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc),
        };
        Samples.IsAsBefore("table1.md", report.ToMarkdown());
    }

    private static Report Report(ExperimentOptions options) => Report(new Table1(), options);

    private static Report Report(Experiment experiment, ExperimentOptions options)
    {
        var results = experiment.Grid(options).Select(Invented).ToList();
        var store = new RunStore(Path.Combine(Path.GetTempPath(), Path.GetRandomFileName()));
        return experiment.Report(
            new ExperimentContext(options, store, results, _ => { }, TestContext.Current.CancellationToken)
        );
    }

    private static List<RunConfig> Longer(ExperimentOptions options) =>
        [.. new Table1().Grid(options).Where(run => run.Steps > new Table1().Grid(options)[0].Steps)];

    // Seeds 10 to 12 add 0, .01 and .02. A doubling gains .1 at p = 2 and above, .25 at p = 1.
    private static RunResult Invented(RunConfig config)
    {
        double doublings = Math.Log2(config.Steps / 2400.0),
            seed = .01 * (config.Seed - 10);
        int patch = config.Model.PatchSize;
        double loss = seed + (patch == 1 ? 1.65 - .25 * doublings : 1.2 + .1 * patch - .1 * doublings);
        return new RunResult(
            config.Key,
            config,
            new EvaluationResult(100, loss, .25, 1, 0),
            loss,
            config.Steps,
            1,
            1000,
            Machine.Here(CPU),
            "",
            default
        );
    }
}
