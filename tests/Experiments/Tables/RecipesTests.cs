using PatchKit.Experiments.Verdicts;
using Xunit;

namespace PatchKit.Tests.Experiments.Tables;

/// <summary>Tables 8 to 10: every setting that the paper prints is the recipe's.</summary>
public sealed class RecipesTests(SmokeRuns runs, ITestOutputHelper output) : IClassFixture<SmokeRuns>
{
    [Fact]
    public void EverySettingStandsBesideThePapers()
    {
        var report = runs.Run("recipes");
        output.WriteLine(report.ToMarkdown());
        var (tables, deit) = (report.Tables.Take(3).ToList(), report.Tables[3]);
        Assert.Equal([2, 3, 3], tables.Select(table => table.Columns.Count - 2));
        Assert.All(tables, table => Assert.Equal(14, table.Rows.Count));
        Assert.Equal(5, deit.Rows.Count);
        foreach (var row in tables.Append(deit).SelectMany(table => table.Rows))
        {
            Assert.Contains(row[^1], new[] { "agrees", "as the authors' code" });
            Assert.All(
                row.Skip(1).SkipLast(1),
                cell =>
                    Assert.True(
                        cell.Split(" / ") is [var paper, var ours]
                            && (paper == "mark lost" || paper.Replace(" (from README)", "") == ours),
                        $"{row[0]}: {cell}"
                    )
            );
        }
        Assert.Equal("0.4 / 0.4", Cell(1, "stochastic depth (drop path)", "adventurer-finetune-small"));
        Assert.Equal("0.6 / 0.6", Cell(1, "stochastic depth (drop path)", "adventurer-finetune-base"));
        Assert.Equal("8e-4 / 8e-4", Cell(2, "base learning rate", "adventurer-intermediate-large"));
        Assert.Equal(10, report.Verdicts.Count);
        Assert.All(report.Verdicts, verdict => Assert.Equal(Outcome.Shown, verdict.Outcome));

        string Cell(int table, string row, string recipe) =>
            tables[table].Rows.Single(cells => cells[0] == row)[tables[table].Columns.ToList().IndexOf(recipe)];
    }
}
