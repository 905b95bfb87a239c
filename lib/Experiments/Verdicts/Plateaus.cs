using System.Globalization;
using PatchKit.Experiments.Reports;
using PatchKit.Experiments.Sweeps;
using PatchKit.ScalingLaws;
using PatchKit.Training.Runs;

namespace PatchKit.Experiments.Verdicts;

/// <summary>
/// Which runs still stood on a plateau when their training ended, by <see cref="PlateauTest"/>: a verdict on such runs
/// may change with a longer training.
/// </summary>
internal static class Plateaus
{
    /// <summary>A sentence for a verdict; empty where the curves of the runs are not there.</summary>
    /// <param name="context">has the curves.</param>
    /// <param name="runs">the runs that the verdict rests on.</param>
    /// <param name="name">what tells the runs' settings apart; patch sizes where null.</param>
    internal static string Of(
        ExperimentContext context,
        IEnumerable<RunResult> runs,
        Func<RunConfig, string>? name = null
    )
    {
        var tested = Tests(context, runs);
        if (tested.Count == 0)
            return "";
        var standing = tested
            .GroupBy(entry => name?.Invoke(entry.Run.Config) ?? $"p={entry.Run.Config.Model.PatchSize}")
            .Select(same => (same.Key, Standing: same.Count(entry => entry.Test.Stands), Count: same.Count()))
            .Where(entry => entry.Standing > 0)
            .ToList();
        var told = standing.Select(entry =>
            entry.Count == 1 ? entry.Key.TrimEnd(',') : $"{entry.Key} in {entry.Standing} of {entry.Count} seeds"
        );
        return standing.Count == 0
            ? "No run ended on a plateau."
            : $"Still on a plateau when training ended: {string.Join(", ", told)}.";
    }

    /// <summary>
    /// The fall of the training loss over the last four tenths of the steps, run by run; null where the curves are not
    /// there.
    /// </summary>
    internal static ReportTable? Table(ExperimentContext context, PatchSummary sweep, string title)
    {
        var tested = Tests(context, sweep.Results);
        if (tested.Count == 0)
            return null;
        return new(
            title,
            ["fall, %", .. sweep.Patches.Select(patch => $"p={patch}")],
            [
                .. from seed in sweep.Results.Select(run => run.Config.Seed).Distinct().Order()
                select (IReadOnlyList<string>)[$"seed {seed}", .. sweep.Patches.Select(patch => Cell(patch, seed))],
            ]
        );

        string Cell(int patch, long seed) =>
            tested.FirstOrDefault(entry => entry.Run.Config.Seed == seed && entry.Run.Config.Model.PatchSize == patch)
                is { Test: { } test }
                ? string.Create(
                    CultureInfo.InvariantCulture,
                    $"{100 * test.Fall:0.0}{(test.Stands ? " (plateau)" : "")}"
                )
                : "not known";
    }

    private static List<(RunResult Run, PlateauTest Test)> Tests(
        ExperimentContext context,
        IEnumerable<RunResult> runs
    ) => [.. from run in runs let test = context.Plateau(run) where test is not null select (run, test!)];
}
