using System.Diagnostics;
using PatchKit.Experiments;
using Xunit;

namespace PatchKit.Tests.Experiments;

/// <summary>Experiments that train, at `smoke`: they run, their reports are whole, and what they take is printed.</summary>
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
        new ExperimentRunner(runs.Store) { Finished = (result, cached) => { if (!cached) trained.Add(result.Key); } }
            .Run(ExperimentBook.Find("table4"), new ExperimentOptions { Scale = Scale.Smoke, FirstSeed = 1 }, cancellation: TestContext.Current.CancellationToken);
        Assert.Empty(trained);
    }

    [Fact]
    public void ExperimentsShareTheRunsOfOneGrid()
    {
        var options = new ExperimentOptions { Scale = Scale.Teach };
        var table1 = Keys("table1", options);
        foreach (string name in new[] { "figure3", "figure4", "table5" }) Assert.NotEmpty(Keys(name, options).Intersect(table1));
        Assert.Superset(Keys("figure1", options), table1);
    }

    [Theory]
    [InlineData(Scale.Gpu)]
    [InlineData(Scale.Paper)]
    public void LargeScalesAskForImages(Scale scale)
    {
        string message = Assert.Throws<ArgumentException>(() => ExperimentBook.Find("table1").Grid(new ExperimentOptions { Scale = scale })).Message;
        Assert.Contains("--data", message);
    }

    [Fact]
    public void TheRecipeDoesNotDependOnThePatch() =>
        Assert.Single(ExperimentBook.Find("table1").Grid(new ExperimentOptions { Pixels = true }).Where(config => config.Recipe.EpochImages == 3840).Select(config => config.Recipe).Distinct());

    [Fact]
    public void AnUnknownNameBringsTheNearest() => Assert.Contains("table1", Assert.Throws<ArgumentException>(() => ExperimentBook.Find("tabel1")).Message);

    private static HashSet<string> Keys(string name, ExperimentOptions options) => [.. ExperimentBook.Find(name).Grid(options).Select(config => config.Key)];
}
