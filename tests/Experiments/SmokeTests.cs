using System.Diagnostics;
using PatchKit.Experiments;
using PatchKit.Experiments.Tables;
using PatchKit.Experiments.Verdicts;
using Xunit;

namespace PatchKit.Tests.Experiments;

/// <summary>
/// Experiments that train, at `smoke`: they run, their reports are whole, and what they take is printed.
/// </summary>
[Trait("speed", "slow")]
public sealed class SmokeTests(SmokeRuns runs, ITestOutputHelper output) : IClassFixture<SmokeRuns>
{
    [Theory]
    [InlineData("table1", 2)]
    [InlineData("figure3", 4)]
    [InlineData("figure4", 4)]
    [InlineData("table4", 3)]
    [InlineData("table5", 2)]
    [InlineData("table3", 4)]
    [InlineData("figure1e", 1)]
    [InlineData("figure1f", 1)]
    public void RunsAndReports(string name, int verdicts)
    {
        var clock = Stopwatch.StartNew();
        var report = runs.Run(name);
        output.WriteLine($"{name}: {clock.Elapsed.TotalSeconds:0.0} s");
        Assert.Equal(verdicts, report.Verdicts.Count);
        Assert.All(report.Verdicts, verdict => Assert.Equal(Outcome.NotTestable, verdict.Outcome));
        Assert.NotEmpty(report.Caveats);
        Assert.All(report.Tables, table => Assert.All(table.Rows, row => Assert.Equal(table.Columns.Count, row.Count)));
        Assert.Contains(report.Tables, table => table.Title.StartsWith("The paper", StringComparison.Ordinal));
        Assert.Contains($"# {report.Title}", report.ToMarkdown());
        Assert.All(report.Runs, key => Assert.NotNull(runs.Store.Get(key).Result));
        Assert.True(File.Exists(Path.Combine(runs.Store.Folder, "reports", $"{name}-smoke.md")));
    }

    [Fact]
    public void ASecondTimeNothingIsTrained()
    {
        runs.Run("table4");
        var trained = new List<string>();
        new ExperimentRunner(runs.Store)
        {
            Finished = (result, cached) =>
            {
                if (!cached)
                    trained.Add(result.Key);
            },
        }.Run(
            ExperimentBook.Find("table4"),
            new ExperimentOptions { Scale = Scale.Smoke, FirstSeed = 1 },
            cancellation: TestContext.Current.CancellationToken
        );
        Assert.Empty(trained);
    }

    [Fact]
    public void ExperimentsShareTheRunsOfOneGrid()
    {
        var options = new ExperimentOptions { Scale = Scale.Teach };
        var table1 = Keys("table1", options);
        foreach (string name in new[] { "figure3", "figure4", "table5" })
            Assert.NotEmpty(Keys(name, options).Intersect(table1));
        Assert.Superset(Keys("figure1", options), table1);
    }

    /// <summary>
    /// Five seeds of table1 on generated images, three of everything else; and a run is the same run however many seeds
    /// there are.
    /// </summary>
    [Theory]
    [InlineData("table1", 5)]
    [InlineData("figure1", 5)]
    [InlineData("table2", 3)]
    [InlineData("figure2", 3)]
    [InlineData("figure1d", 3)]
    [InlineData("table3", 3)]
    [InlineData("figure3", 3)]
    [InlineData("figure4", 3)]
    [InlineData("table4", 3)]
    [InlineData("table5", 3)]
    public void MoreSeedsChangeNoRun(string name, int seeds)
    {
        var grid = ExperimentBook.Find(name).Grid(new ExperimentOptions());
        Assert.Equal(
            Enumerable.Range(10, seeds).Select(seed => (long)seed),
            grid.Select(config => config.Seed).Distinct().Order()
        );
        foreach (int fewer in new[] { 1, 2 })
            Assert.Equal(
                grid.Where(config => config.Seed < 10 + fewer).Select(config => config.Key).Order(),
                Keys(name, new() { Seeds = fewer }).Order()
            );
    }

    /// <summary>
    /// The dearest runs, one pixel to a token, have as many seeds as an interval takes, and as many as are asked for.
    /// </summary>
    [Fact]
    public void PixelsHaveThreeSeeds()
    {
        Assert.Equal(
            3 * 2,
            ExperimentBook.Find("table1").Grid(new() { Pixels = true }).Count(config => config.Model.PatchSize == 1)
        );
        Assert.Equal(
            6 * 2,
            ExperimentBook
                .Find("table1")
                .Grid(new() { Pixels = true, Seeds = 6 })
                .Count(config => config.Model.PatchSize == 1)
        );
    }

    /// <summary>Scenes cut to 128 pixels: three sizes of 512 tokens at most, and one size larger and smaller.</summary>
    [Theory, InlineData(false, new[] { 32, 16, 8 }), InlineData(true, new[] { 64, 32, 16, 8, 4 })]
    public void RealScenesAreCutInThreeSizesOrFive(bool pixels, int[] sizes)
    {
        var options = new ExperimentOptions
        {
            Data = "ade20k",
            SizesOnly = true,
            Pixels = pixels,
        };
        var grid = ExperimentBook.Find("table2").Grid(options);
        Assert.Equal(sizes, grid.Select(config => config.Model.PatchSize).Distinct().OrderDescending());
    }

    /// <summary>
    /// No run of the grid of budgets is dearer than the smallest patch at the usual width and length; it shares that
    /// and what figure3 has.
    /// </summary>
    [Fact]
    public void TheGridOfBudgetsIsBounded()
    {
        var grid = BudgetGrid.Runs(new() { Seeds = 1 });
        var dearest = grid.MaxBy(config => config.Flops)!;
        Assert.Equal((2, 48, 600), (dearest.Model.PatchSize, dearest.Model.EmbedDim, dearest.Steps));
        Assert.Equal([2, 4, 8], grid.Select(config => config.Model.PatchSize).Distinct().Order());
        Assert.Equal([32, 48, 96], grid.Select(config => config.Model.EmbedDim).Distinct().Order());
        Assert.Equal(grid.Count, grid.Select(config => config.Key).Distinct().Count());
        Assert.Equal(
            4,
            grid.Select(config => config.Key)
                .Intersect(Figure3.Ways(new() { Seeds = 1 }).Select(config => config.Key))
                .Count()
        );
        Assert.Equal(grid.Count + 6, ExperimentBook.Find("figure3").Grid(new() { Seeds = 1 }).Count);
    }

    [Theory]
    [InlineData(Scale.Gpu)]
    [InlineData(Scale.Paper)]
    public void LargeScalesAskForImages(Scale scale)
    {
        string message = Assert
            .Throws<ArgumentException>(() =>
                ExperimentBook.Find("table1").Grid(new ExperimentOptions { Scale = scale })
            )
            .Message;
        Assert.Contains("--data", message);
    }

    [Fact]
    public void TheRecipeDoesNotDependOnThePatch() =>
        Assert.Single(
            ExperimentBook
                .Find("table1")
                .Grid(new ExperimentOptions { Pixels = true })
                .Where(config => config.Recipe.EpochImages == 3840)
                .Select(config => config.Recipe)
                .Distinct()
        );

    [Fact]
    public void AnUnknownNameBringsTheNearest() =>
        Assert.Contains("table1", Assert.Throws<ArgumentException>(() => ExperimentBook.Find("tabel1")).Message);

    [Fact]
    public void TheFrontierOfBudgetsIsDrawn()
    {
        var report = runs.Run("figure3");
        var panel = Assert.Single(Assert.Single(report.Figures).Panels);
        Assert.Contains("p=8", panel.Marks.Select(mark => mark.Name));
        Assert.Contains(
            report.Tables,
            table => table.Title.Contains("which patch for a budget") && table.Rows.Count > 0
        );
        Assert.True(File.Exists(ExperimentRunner.FigureFile(runs.Store, "figure3", Scale.Smoke, 0)));
    }

    private static HashSet<string> Keys(string name, ExperimentOptions options) =>
        [.. ExperimentBook.Find(name).Grid(options).Select(config => config.Key)];
}
