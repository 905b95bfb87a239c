using Microsoft.Data.Analysis;
using PatchKit.Display.Formatting;
using PatchKit.Display.Tables;
using PatchKit.Experiments.Recording;
using PatchKit.Experiments.Reports;
using PatchKit.Models;
using PatchKit.Tests.Experiments.Recording;
using PatchKit.Training.Runs;
using Xunit;

namespace PatchKit.Tests.Experiments.Reports;

/// <summary>Runs and reports as tables and DataFrames, by those that are recorded.</summary>
public sealed class RunTablesTests
{
    private static readonly RecordedResult s_table1 = Recorded("table1-teach-generated"),
        s_table3 = Recorded("table3-teach-generated"),
        s_table2 = Recorded("table2-teach-generated");

    [Fact]
    public void ADataFrameHasARowForEachRunWithTypesAndGaps()
    {
        var runs = s_table1.Results;
        var frame = runs.ToDataFrame();
        Assert.Equal(runs.Count, frame.Rows.Count);
        Assert.Equal(runs.Select(run => run.Test.Loss), frame["test loss"].Cast<double>());
        Assert.Equal(runs.Select(run => run.Test.Top1), frame["top-1"].Cast<double>());
        Assert.Equal(runs.Select(run => run.Config.Seed), frame["seed"].Cast<long>());
        Assert.Equal(runs.Select(run => run.Config.Model.PatchSize), frame["patch size"].Cast<int>());
        Assert.Equal(runs.Select(run => $"{run.Config.Family}"), frame["model"].Cast<string>());
        Assert.Equal(runs.Select(run => run.Date), frame["date"].Cast<DateTime>());
        Assert.Equal((runs.Count, typeof(double)), ((int)frame["mIoU"].NullCount, frame["mIoU"].DataType));
        var vits = frame.Filter(frame["model"].ElementwiseEquals("ViT"));
        Assert.Equal(runs.Count(run => run.Config.Family == Family.ViT), vits.Rows.Count);
        Assert.Equal(frame.Columns.Count, frame.Columns.Select(column => column.Name).Distinct().Count());
    }

    [Fact]
    public void ScoresOfOtherTasksHaveTheirColumns()
    {
        var detection = s_table3.Results.ToDataFrame();
        Assert.Equal(
            s_table3.Results.Select(run => ((PatchKit.Metrics.DetectionResult)run.Scores!).Box.Ap),
            detection["box AP"].Cast<double>()
        );
        Assert.Equal(detection.Rows.Count, detection["top-1"].NullCount);
        var segmentation = s_table2.Results.ToDataFrame();
        Assert.Equal(
            s_table2.Results.Select(run => ((PatchKit.Metrics.SegmentationResult)run.Scores!).MIoU),
            segmentation["mIoU"].Cast<double>()
        );
        Assert.Contains("mIoU", s_table2.Results.ToTable().Columns.Select(column => column.Name));
        Assert.DoesNotContain("mIoU", s_table1.Results.ToTable().Columns.Select(column => column.Name));
    }

    [Fact]
    public void UnfinishedRunsHaveNoScores()
    {
        var run = s_table1.Results[0];
        StoredRun[] stored =
        [
            new(run.Key, "runs/a", RunStatus.Finished, run.Config, run, 1),
            new("0123", "runs/b", RunStatus.Interrupted, run.Config, null, 1),
        ];
        var frame = stored.ToDataFrame();
        Assert.Equal(["finished", "interrupted"], frame["status"].Cast<string>());
        Assert.Equal([run.Test.Loss, null], frame["test loss"].Cast<double?>());
        Assert.Equal([run.Parameters, null], frame["parameters"].Cast<long?>());
        Assert.Equal(2, stored.ToTable("two").Rows.Count);
        Assert.Contains("–", stored.ToTable().ToMarkdown());
        Assert.Empty(Array.Empty<StoredRun>().ToTable().Rows);
        Assert.Equal(0, Array.Empty<RunResult>().ToDataFrame().Rows.Count);
    }

    [Fact]
    public void ARunReadsAsALine()
    {
        var run = s_table1.Results[0];
        Assert.Equal(
            $"{run.Config}: test loss {run.Test.Loss:0.000}, top-1 {100 * run.Test.Top1:0.0} %",
            run.ToString()
        );
        Assert.Equal($"<span>{run}</span>", run.Render(Mime.Html));
        Assert.StartsWith("ab: ViT D=48 x2", new StoredRun("ab", "", RunStatus.Begun, run.Config, null, 1).ToString());
        Assert.EndsWith("begun", new StoredRun("ab", "", RunStatus.Begun, run.Config, null, 1).Render(Mime.Text));
    }

    [Fact]
    public void AReportsTablesAreNumbersWhereTheyAreAll()
    {
        var table = new ReportTable(
            "t",
            ["", "p=8", "loss", "law", "at"],
            [
                ["a", "66,976", "+0.0206", "0.63 p^0.4", "4"],
                ["b", "931,408", "–", "", ""],
                ["c", "", "−1.5e-3", "yes", "16"],
            ]
        );
        var frame = table.ToDataFrame();
        Assert.Equal(["column 1", "p=8", "loss", "law", "at"], frame.Columns.Select(column => column.Name));
        Assert.Equal(
            [typeof(string), typeof(long), typeof(double), typeof(string), typeof(long)],
            frame.Columns.Select(column => column.DataType)
        );
        Assert.Equal([66976L, 931408L, null], frame["p=8"].Cast<long?>());
        Assert.Equal([0.0206, null, -0.0015], frame["loss"].Cast<double?>());
        Assert.Equal([4L, null, 16L], frame["at"].Cast<long?>());

        var report = s_table1.Report;
        var tidy = report.ToDataFrame();
        Assert.Equal(report.Tables.Sum(one => one.Rows.Count * (one.Columns.Count - 1)), tidy.Rows.Count);
        var row = report.Tables[0].Rows[1];
        var cells = tidy.Filter(tidy["table"].ElementwiseEquals(report.Tables[0].Title));
        cells = cells.Filter(cells["row"].ElementwiseEquals(row[0]));
        Assert.Equal(row.Skip(1), cells["text"].Cast<string>());
        Assert.Equal(
            row.Skip(1).Select(text => (double?)double.Parse(text, System.Globalization.CultureInfo.InvariantCulture)),
            cells["value"].Cast<double?>()
        );
    }

    private static RecordedResult Recorded(string name) =>
        RecordedResult.Load(Directory.EnumerateFiles(RecordedTests.CommittedFolder, name + "*.json").Single());
}
