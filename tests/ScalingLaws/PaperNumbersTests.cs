using PatchKit.ScalingLaws;
using Xunit;

namespace PatchKit.Tests.ScalingLaws;

/// <summary>The embedded tables as records, and the report on Figure 1's panels.</summary>
public sealed class PaperNumbersTests(ITestOutputHelper output)
{
    [Fact]
    public void EveryTableIsThere()
    {
        Assert.Equal(
            (25, 10, 10, 35, 7, 5, 10, 9),
            (
                PaperNumbers.Table1.Count,
                PaperNumbers.Table2.Count,
                PaperNumbers.Table3.Count,
                PaperNumbers.Table4.Count,
                PaperNumbers.Table5.Count,
                PaperNumbers.Table6.Count,
                PaperNumbers.Table7.Count,
                PaperNumbers.Figure1.Count
            )
        );
        Assert.Contains(new PaperAccuracy("Adventurer-Base", 224, 1, 84.6), PaperNumbers.Table1);
        Assert.Contains(new PaperAccuracy("DeiT-Base", 128, 1, null), PaperNumbers.Table1);
        Assert.Contains(new PaperSegmentation("Adventurer-B", "None", 100, 2, 46.8), PaperNumbers.Table2);
        Assert.Contains(new PaperDetection("Adventurer-T", 2, 48.7, 67.3, 52.4, 42.4, 64.3, 45.7), PaperNumbers.Table3);
        Assert.Contains(new PaperAccuracy("Adventurer-Large", 128, 16, 79.8), PaperNumbers.Table4);
        Assert.Contains(new PaperSequence("DeiT-Base", 128, 1024, 78.2, 82.3), PaperNumbers.Table5);
        Assert.Contains(new PaperCost(1, 50176, 16118, 967.99, 115.08), PaperNumbers.Table6);
        Assert.Contains(new PaperModel("Adventurer-Huge", 1280, 3200, 32, 759), PaperNumbers.Table7);
    }

    [Fact]
    public void Table4RepeatsTable1()
    {
        foreach (var cell in PaperNumbers.Table4.Where(cell => cell.Model == "Adventurer-Base"))
            Assert.Contains(cell, PaperNumbers.Table1);
    }

    [Fact]
    public void TheTicksOfAPanelAreEquallySpacedAboveItsFloor()
    {
        foreach (var panel in PaperNumbers.Figure1)
        {
            var logs = panel.Ticks.Select(tick => Math.Log(tick - panel.TickFloor)).ToArray();
            var steps = logs.Zip(logs.Skip(1), (above, below) => above - below).ToArray();
            Assert.All(steps, step => Assert.Equal(steps.Average(), step, 0.12 * steps.Average()));
        }
    }

    [Fact]
    public void TheReportHasEveryPanel()
    {
        var report = Figure1Report.Make();
        output.WriteLine(string.Join("\n", report.Meaning));
        Assert.Equal("abcdefghi", string.Concat(report.Rows.Select(row => row.Panel.Letter)));
        Assert.All(report.Rows, row => Assert.Equal(row.Panel.Points[^1].Loss, row.Choice.WithFloor.Measured));
    }
}
