using System.Diagnostics;
using System.Globalization;
using PatchKit.Experiments;
using PatchKit.Experiments.Reports;
using PatchKit.Experiments.Tables;
using PatchKit.Experiments.Verdicts;
using PatchKit.Metrics;
using PatchKit.ScalingLaws;
using PatchKit.Training;
using PatchKit.Training.Runs;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Experiments.Tables;

/// <summary>Figure 1's report: the paper's panels, our curves, and the verdicts on curves that are known.</summary>
[Trait("speed", "seconds")]
public sealed class Figure1Tests(SmokeRuns runs, ITestOutputHelper output) : IClassFixture<SmokeRuns>
{
    private const int PaperTables = 3;

    [Fact, Trait("speed", "slow")]
    public void RunsAndReports()
    {
        var clock = Stopwatch.StartNew();
        var report = runs.Run("figure1");
        output.WriteLine($"figure1: {clock.Elapsed.TotalSeconds:0.0} s\n\n{report.ToMarkdown()}");
        Assert.Equal(6, report.Verdicts.Count);
        // the losses, a frontier for each family, the forecasts, the steps
        Assert.Equal(PaperTables + 5, report.Tables.Count);
        Assert.All(report.Tables, table => Assert.All(table.Rows, row => Assert.Equal(table.Columns.Count, row.Count)));
        Assert.All(report.Tables.Skip(1), table => Assert.DoesNotContain("", table.Rows.SelectMany(row => row)));
        Assert.Contains(
            "foretold",
            File.ReadAllText(ExperimentRunner.FigureFile(runs.Store, "figure1", Scale.Smoke, 0))
        );
        Assert.Equal(6, report.Runs.Count);
        Assert.All(report.Runs, key => Assert.NotNull(runs.Store.Get(key).Result));
    }

    [Fact]
    public void EveryPanelIsThereWithItsTickFloor()
    {
        var report = Report(patch => .2 + .1 * patch);
        Assert.All(
            report.Tables.Take(PaperTables),
            table => Assert.Equal("abcdefghi", string.Concat(table.Rows.Select(row => row[0][0])))
        );
        foreach (var (panel, i) in PaperNumbers.Figure1.Select((panel, i) => (panel, i)))
        {
            Assert.Equal(panel.Points.Count, report.Tables[0].Rows[i].Skip(1).SkipLast(1).Count(cell => cell != ""));
            Assert.Equal(panel.TickFloor, Number(report.Tables[1].Rows[i][1]), 1e-4);
            Assert.Equal(panel.Points[^1].Loss, Number(report.Tables[2].Rows[i][2]), 1e-4);
        }
        Assert.Contains(report.Caveats, caveat => caveat.Contains("least squares misses high in 9 of 9"));
        Assert.Equal(Outcome.Shown, report.Verdicts[0].Outcome);
    }

    [Fact]
    public void ALawWithAFloorIsFound()
    {
        var report = Report(patch => .2 + .1 * Math.Pow(patch, .9));
        output.WriteLine(report.ToMarkdown());
        Assert.Equal(
            [Outcome.Shown, Outcome.Shown, Outcome.Shown, Outcome.Shown],
            report.Verdicts.Skip(2).Select(verdict => verdict.Outcome)
        );
        Assert.Equal(2, report.Tables.Count(table => table.Title.Contains("the law fitted")));
    }

    [Fact]
    public void ACliffIsNoLaw()
    {
        var report = Report(patch => patch == 2 ? .1 : 1 + .1 * patch);
        Assert.Equal(
            [Outcome.Shown, Outcome.NotShown, Outcome.Shown, Outcome.NotShown],
            report.Verdicts.Skip(2).Select(verdict => verdict.Outcome)
        );
    }

    [Fact]
    public void ARisingCurveIsNotCalledALaw()
    {
        var report = Report(patch => 2 - .05 * patch);
        Assert.Equal(
            [Outcome.NotShown, Outcome.NotTestable, Outcome.NotShown, Outcome.NotTestable],
            report.Verdicts.Skip(2).Select(verdict => verdict.Outcome)
        );
    }

    /// <summary>
    /// All forecasts in one figure: a row for each of the paper's panels and of our curves, the interval as a line and
    /// what was measured as a point.
    /// </summary>
    [Fact]
    public void TheForecastsAreDrawnBesideWhatWasMeasured()
    {
        var report = Report(patch => .2 + .1 * Math.Pow(patch, .9));
        var figure = Assert.Single(report.Figures);
        var panel = Assert.Single(figure.Panels);
        Assert.Equal(11, panel.Y.Categories!.Count);
        Assert.Contains("ViT at 16x16, p=2", panel.Y.Categories);
        var table = report.Tables.Single(table => table.Title.Contains("all curves"));
        Assert.Equal(11, table.Rows.Count);
        var ours = table.Rows.Single(row => row[0] == "ViT at 16x16");
        Assert.Equal(.2 + .1 * Math.Pow(2, .9), Number(ours[5]), 1e-3);
        Assert.Equal("what was measured, and that the loss falls on", ours[^1]);
        var here = panel
            .Marks.OfType<PatchKit.Display.Figures.Series>()
            .Single(series => series.Name == "measured here");
        Assert.Equal(2, here.X.Count);
        Assert.All(here.X, part => Assert.Equal((.2 + .1 * Math.Pow(2, .9)) / (.2 + .1 * Math.Pow(4, .9)), part, 1e-3));
        Assert.Equal(
            9,
            panel
                .Marks.OfType<PatchKit.Display.Figures.Series>()
                .Single(series => series.Name == "read off the paper")
                .X.Count
        );
        Assert.Contains("<svg", figure.ToSvg());
        Assert.Empty(
            System
                .Text.Json.JsonSerializer.Deserialize<Report>(
                    System.Text.Json.JsonSerializer.Serialize(report, RunConfig.Json),
                    RunConfig.Json
                )!
                .Figures
        );
    }

    [Fact]
    public void BudgetRunsOfTable1JoinTheFrontier()
    {
        var options = new ExperimentOptions { FirstSeed = 1 };
        using var folder = new SmokeRuns();
        var alone = Frontier(Report(patch => .1 * patch, folder.Store));
        foreach (var config in Table1.Budgets(options).Where(config => config.Model.PatchSize == 8))
            RunFile.WriteJson(
                Path.Combine(Directory.CreateDirectory(folder.Store.FolderOf(config)).FullName, "result.json"),
                Result(config, .3)
            );
        var joined = Frontier(Report(patch => .1 * patch, folder.Store));
        Assert.Contains("from 20 runs", alone.Title);
        Assert.Contains("from 24 runs", joined.Title);
        Assert.Equal(("16", "2"), (alone.Rows[0][1], alone.Rows[^1][1]));
        // p=8 at a quarter of its steps is the cheapest run of all
        Assert.Equal(
            ("8", "0.300", "2", "0.200"),
            (joined.Rows[0][1], joined.Rows[0][2], joined.Rows[^1][1], joined.Rows[^1][2])
        );

        static ReportTable Frontier(Report report) =>
            report.Tables.First(table =>
                table.Title.StartsWith("ViT", StringComparison.Ordinal) && table.Columns[0] == "training FLOPs"
            );
    }

    // A report on losses that are a function of the patch size, give or take a thousandth between the seeds.
    private static Report Report(Func<int, double> loss, RunStore? store = null)
    {
        var options = new ExperimentOptions { FirstSeed = 1 };
        var figure = new Figure1();
        var results = figure
            .Grid(options)
            .Select(config => Result(config, loss(config.Model.PatchSize) * (config.Seed == 1 ? 1.001 : .999)))
            .ToList();
        return figure.Report(
            new ExperimentContext(
                options,
                store ?? new RunStore(Path.Combine(Path.GetTempPath(), Path.GetRandomFileName())),
                results,
                _ => { },
                TestContext.Current.CancellationToken
            )
        );
    }

    private static RunResult Result(RunConfig config, double loss) =>
        new(
            config.Key,
            config,
            new EvaluationResult(2000, loss, .5, .9, 1, [.9, .8, .7, .6]),
            loss,
            config.Steps,
            1,
            1,
            Machine.Here(CPU),
            "test",
            DateTime.UnixEpoch
        );

    private static double Number(string cell) => double.Parse(cell, CultureInfo.InvariantCulture);
}
