using System.Diagnostics;
using PatchKit.Experiments.Verdicts;
using Xunit;

namespace PatchKit.Tests.Experiments.Tables;

/// <summary>
/// Table 7: every model is counted twice, and where the paper's number is another one the report says so.
/// </summary>
public sealed class Table7Tests(SmokeRuns runs, ITestOutputHelper output) : IClassFixture<SmokeRuns>
{
    private static readonly string[] s_counts =
    [
        "5,717,416",
        "22,050,664",
        "86,567,656",
        "304,326,632",
        "632,199,400",
        "11,608,840",
        "44,491,816",
        "98,657,608",
        "346,196,200",
        "718,033,640",
    ];

    [Fact, Trait("speed", "seconds")]
    public void EveryModelIsCounted()
    {
        var clock = Stopwatch.StartNew();
        var report = runs.Run("table7");
        output.WriteLine($"table7: {clock.Elapsed.TotalSeconds:0.0} s\n\n{report.ToMarkdown()}");
        Assert.All(
            report.Tables[0].Rows,
            row =>
                Assert.All(
                    row.Skip(1),
                    cell =>
                        Assert.True(cell.Split(" / ") is [var paper, var ours] && paper == ours, $"{row[0]}: {cell}")
                )
        );
        // the cost model
        Assert.Equal(s_counts, report.Tables[1].Rows.Select(row => row[2]));
        // real modules
        Assert.Equal(s_counts, report.Tables[1].Rows.Select(row => row[3]));
        Assert.Equal(
            ["17.6", "20.0"],
            report.Tables[1].Rows.Where(row => row[0].EndsWith("Base")).Select(row => row[5])
        );
        Assert.Equal(
            ["DeiT-Huge", "Adventurer-Huge"],
            report
                .Verdicts.Where(verdict => verdict.Outcome == Outcome.NotShown)
                .Select(verdict => verdict.Effect.Split(' ')[0])
        );
        Assert.Equal(10, report.Verdicts.Count);
        Assert.Contains("718,033,640", report.Verdicts[^1].Because);
        Assert.Empty(report.Runs);
    }
}
