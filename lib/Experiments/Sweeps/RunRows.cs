using System.Globalization;
using PatchKit.Experiments.Reports;
using PatchKit.Training.Runs;
using static PatchKit.Experiments.Reports.ReportNumber;

namespace PatchKit.Experiments.Sweeps;

/// <summary>Rows that tables of runs have in common; a column is the runs of one setting, over seeds.</summary>
internal static class RunRows
{
    /// <summary>Tokens of an image.</summary>
    internal static RowsOver<IReadOnlyList<RunResult>> Tokens(this RowsOver<IReadOnlyList<RunResult>> rows) =>
        rows.Row("tokens", runs => $"{runs[0].Config.Model.TokenGrid.Count}");

    /// <summary>The mean of a score.</summary>
    internal static RowsOver<IReadOnlyList<RunResult>> Mean(
        this RowsOver<IReadOnlyList<RunResult>> rows,
        string name,
        Func<RunResult, double> score,
        Func<double, string> text
    ) => rows.Row(name, runs => text(runs.Average(score)));

    /// <summary>The mean of a score, and the span from the lowest seed to the highest.</summary>
    internal static RowsOver<IReadOnlyList<RunResult>> MeanAndSpan(
        this RowsOver<IReadOnlyList<RunResult>> rows,
        string name,
        Func<RunResult, double> score,
        Func<double, string> text,
        bool hasSpan
    ) => rows.Mean(name, score, text).RowIf(hasSpan, "  from .. to", runs => Span([.. runs.Select(score)], text));

    /// <summary>The training loss at the end.</summary>
    internal static RowsOver<IReadOnlyList<RunResult>> TrainingLoss(this RowsOver<IReadOnlyList<RunResult>> rows) =>
        rows.Mean("training loss, at the end", run => run.TrainingLoss, Number);

    /// <summary>Learned numbers.</summary>
    internal static RowsOver<IReadOnlyList<RunResult>> Parameters(this RowsOver<IReadOnlyList<RunResult>> rows) =>
        rows.Row("parameters", runs => Whole(runs[0].Parameters));

    /// <summary>Seconds that training took.</summary>
    internal static RowsOver<IReadOnlyList<RunResult>> Seconds(this RowsOver<IReadOnlyList<RunResult>> rows) =>
        rows.Mean(
            "seconds of training",
            run => run.Seconds,
            seconds => seconds.ToString("0", CultureInfo.InvariantCulture)
        );

    /// <summary>The table, with "p=8" above the runs of that patch size.</summary>
    internal static ReportTable UnderPatches(
        this RowsOver<IReadOnlyList<RunResult>> rows,
        string title,
        string corner = ""
    ) => rows.Under(title, runs => $"p={runs[0].Config.Model.PatchSize}", corner);
}
