using Microsoft.Data.Analysis;
using PatchKit.Display.Tables;
using PatchKit.Metrics;
using PatchKit.Training.Runs;

namespace PatchKit.Experiments.Reports;

/// <summary>Runs as tables to look at and as DataFrames to filter, group and plot.</summary>
/// <example><code>
/// var runs = new RunStore("../runs").List();
/// runs.Take(3).ToTable()
/// runs.ToDataFrame().OrderBy("test loss")
/// </code></example>
public static class RunTables
{
    /// <summary>
    /// The runs as a table, a row each: model, sizes, images, recipe, seed and scores. Scores that no run has take no
    /// column.
    /// </summary>
    public static Table ToTable(this IEnumerable<RunResult> runs, string title = "") =>
        Table([.. runs.Select(Row.Of)], title);

    /// <summary>The runs as a table, those that are not finished without scores.</summary>
    public static Table ToTable(this IEnumerable<StoredRun> runs, string title = "") =>
        Table([.. runs.Select(Row.Of)], title);

    /// <summary>
    /// The runs as a DataFrame, a row each, with all that a table shows and more: "key", "status", "model", "embedDim",
    /// "depth", "patch size", "height", "width", "tokens", "task", "data", "recipe", "steps", "seed", "parameters",
    /// "FLOPs", "test loss" in nats, "top-1", "top-5", "mIoU", "box AP" and "mask AP" from 0 to 1, "training loss",
    /// "seconds", "device", "threads", "commit", "date". What a run has not is null.
    /// </summary>
    /// <seealso cref="TableFrames">What to mind when grouping.</seealso>
    public static DataFrame ToDataFrame(this IEnumerable<RunResult> runs) =>
        Whole([.. runs.Select(Row.Of)]).ToDataFrame();

    /// <inheritdoc cref="ToDataFrame(IEnumerable{RunResult})"/>
    public static DataFrame ToDataFrame(this IEnumerable<StoredRun> runs) =>
        Whole([.. runs.Select(Row.Of)]).ToDataFrame();

    // Every column in the order of a DataFrame, and whether a table shows it.
    private static readonly (Column Column, Func<Row, object?> Cell, bool IsShown)[] s_columns =
    [
        (Text("key"), run => run.Key, false),
        (Text("status"), run => run.Status.ToString().ToLowerInvariant(), false),
        (Text("model"), run => $"{run.Config.Family}", true),
        (new("embedDim"), run => run.Config.Model.EmbedDim, true),
        (new("depth"), run => run.Config.Model.Depth, true),
        (new("patch size", "pixels"), run => run.Config.Model.PatchSize, true),
        (new("height", "pixels"), run => run.Config.Model.Height, false),
        (new("width", "pixels"), run => run.Config.Model.Width, false),
        (new("tokens"), run => run.Config.Model.TokenGrid.Count, true),
        (Text("task"), run => run.Config.Task?.Title ?? "classification", false),
        (Text("data"), run => run.Config.Data.Title, true),
        (Text("recipe"), run => run.Config.Recipe.Name, true),
        (new("steps"), run => run.Config.Steps, true),
        (new("seed") { Format = "0" }, run => run.Config.Seed, true),
        (new("parameters"), run => run.Result?.Parameters, false),
        (new("FLOPs"), run => run.Config.Flops, false),
        (new("test loss", "nats") { Format = "0.000" }, run => run.Result?.Test.Loss, true),
        (Share("top-1"), run => Known(run.Result?.Test.Top1), true),
        (Share("top-5"), run => Known(run.Result?.Test.Top5), false),
        (Share("mIoU"), run => (run.Result?.Scores as SegmentationResult)?.MIoU, true),
        (Share("box AP"), run => Known((run.Result?.Scores as DetectionResult)?.Box.Ap), true),
        (Share("mask AP"), run => Known((run.Result?.Scores as DetectionResult)?.Mask.Ap), true),
        (new("training loss", "nats") { Format = "0.000" }, run => Known(run.Result?.TrainingLoss), false),
        (new("seconds") { Format = "#,0" }, run => run.Result?.Seconds, true),
        (Text("device"), run => run.Result?.Machine.Device, false),
        (new("threads"), run => run.Result?.Machine.Threads, false),
        (Text("commit"), run => run.Result?.Commit, false),
        (new("date"), run => run.Result?.Date, false),
    ];

    private static Table Table(IReadOnlyList<Row> runs, string title)
    {
        var shown = s_columns
            .Where(column => column.IsShown && (runs.Count == 0 || runs.Any(run => column.Cell(run) is not null)))
            .ToArray();
        return new(
            title,
            [.. shown.Select(column => column.Column)],
            [.. runs.Select(run => shown.Select(column => column.Cell(run)).ToArray())]
        );
    }

    private static Table Whole(IReadOnlyList<Row> runs) =>
        new(
            "",
            [.. s_columns.Select(column => column.Column)],
            [.. runs.Select(run => s_columns.Select(column => column.Cell(run)).ToArray())]
        );

    private static Column Text(string name) => new(name) { IsText = true };

    private static Column Share(string name) => new(name) { Format = "0.0%" };

    // Scores that a run has not are NaN, or -1 among average precisions.
    private static double? Known(double? score) => score is >= 0 and var value ? value : null;

    private sealed record Row(string Key, RunStatus Status, RunConfig Config, RunResult? Result)
    {
        internal static Row Of(RunResult run) => new(run.Key, RunStatus.Finished, run.Config, run);

        internal static Row Of(StoredRun run) => new(run.Key, run.Status, run.Config, run.Result);
    }
}
