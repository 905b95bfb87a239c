using System.Diagnostics;
using System.Globalization;
using PatchKit.Experiments;
using PatchKit.Experiments.Planning;
using PatchKit.Experiments.Tables;
using PatchKit.Experiments.Verdicts;
using PatchKit.Models;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Experiments.Tables;

/// <summary>Table 6: steps are measured once, their memory is the cost model's, and the report is whole.</summary>
[Trait("speed", "seconds")]
public sealed class Table6Tests(SmokeRuns runs, ITestOutputHelper output) : IClassFixture<SmokeRuns>
{
    private string Folder => Path.Combine(runs.Store.Folder, "measurements");

    [Fact]
    public void MeasuresOnceAndReports()
    {
        var clock = Stopwatch.StartNew();
        var report = runs.Run("table6");
        output.WriteLine($"table6: {clock.Elapsed.TotalSeconds:0.0} s\n\n{report.ToMarkdown()}");
        Assert.Equal(5, report.Tables.Count);
        Assert.All(report.Tables, table => Assert.All(table.Rows, row => Assert.Equal(table.Columns.Count, row.Count)));
        var numbers = report.Tables.Where(table =>
            !table.Title.StartsWith("The steps behind", StringComparison.Ordinal)
        );
        Assert.All(
            numbers.SelectMany(table => table.Rows),
            row =>
                Assert.All(
                    row.Skip(1),
                    cell =>
                        Assert.True(
                            double.TryParse(
                                cell,
                                NumberStyles.Float | NumberStyles.AllowThousands,
                                CultureInfo.InvariantCulture,
                                out _
                            ),
                            $"{row[0]}: \"{cell}\""
                        )
                )
        );
        Assert.Equal(5, report.Verdicts.Count);
        Assert.All(report.Verdicts.SkipLast(1), verdict => Assert.Equal(Outcome.NotTestable, verdict.Outcome));
        // the paper's own numbers
        Assert.Equal(Outcome.Shown, report.Verdicts[^1].Outcome);

        string[] files = Directory.GetFiles(Folder);
        Assert.Equal(8, files.Length);
        File.WriteAllText(files[0], "{");
        var before = files.ToDictionary(file => file, File.GetLastWriteTimeUtc);
        runs.Run("table6");
        Assert.Equal(
            [files[0]],
            Directory.GetFiles(Folder).Where(file => File.GetLastWriteTimeUtc(file) != before[file])
        );
    }

    [Fact]
    public void WhatWasMeasuredBeforeAStopIsKept()
    {
        using var cancelled = new CancellationTokenSource();
        var options = new ExperimentOptions { Scale = Scale.Smoke };
        using var other = new SmokeRuns();
        var context = new ExperimentContext(options, other.Store, [], _ => cancelled.Cancel(), cancelled.Token);
        Assert.ThrowsAny<OperationCanceledException>(() => new Table6().Report(context));
        Assert.Single(Directory.GetFiles(Path.Combine(other.Store.Folder, "measurements")));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void MemoryIsWhatTheCostModelSays(int batch)
    {
        using var folder = new SmokeRuns();
        var config = new VisionTransformerConfig
        {
            Height = 64,
            Width = 64,
            PatchSize = 4,
            EmbedDim = 96,
            Depth = 6,
            Heads = 3,
            Classes = 10,
        };
        var cost = new StepMeter(folder.Store.Folder, CPU, 0).Measure(
            config,
            batch,
            TestContext.Current.CancellationToken
        )!;
        output.WriteLine(
            $"{cost.PeakBytes} bytes in {cost.Steps} steps of {cost.Seconds:0.000} to {cost.Slowest:0.000} s"
        );
        // the backward pass holds gradients besides
        Assert.InRange(cost.BytesPerImage!.Value / config.Cost().ActivationBytes, .75, 1.3);
        Assert.True(cost.Steps >= 3 && cost.Seconds <= cost.Slowest);
    }
}
