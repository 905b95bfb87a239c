using System.Text.Json;
using PatchKit.Experiments.Reports;
using PatchKit.Experiments.Verdicts;
using PatchKit.Training;
using PatchKit.Training.Loop;
using PatchKit.Training.Runs;
using static TorchSharp.torch;

namespace PatchKit.Experiments;

/// <summary>Trains what an experiment needs and is not in the cache yet, then reports.</summary>
/// <param name="Store">where runs are cached.</param>
public sealed record ExperimentRunner(RunStore Store)
{
    // What a step costs beside its operations, in operations: at small sizes calls cost as much as arithmetic.
    private const double StepOverhead = 2e8;

    // Shared by the copies that `with` and Showing make, so that a notebook's chart sees what any of them has trained.
    private readonly List<RunResult> _results = [];

    /// <summary>
    /// What the latest <see cref="Run"/> or <see cref="Train"/> has so far, one result for each run of the grid and in
    /// its order. It grows while they run and begins anew with the next: a sweep that was stopped and is run again has
    /// each run once.
    /// </summary>
    public IReadOnlyList<RunResult> Results => _results;

    /// <summary>Told where the experiment stands, at most ten times a second.</summary>
    public Action<ExperimentProgress>? Progress { get; init; }

    /// <summary>Told of each run that has ended, and whether it came from the cache.</summary>
    public Action<RunResult, bool>? Finished { get; init; }

    /// <summary>Told how many runs the experiment has, before the first of them.</summary>
    internal Action<int>? Begun { get; init; }

    /// <summary>Told that a run was stopped or failed.</summary>
    internal Action? Broken { get; init; }

    /// <summary>Told, in a line, what is being done beside training.</summary>
    public Action<string>? Say { get; init; }

    /// <summary>
    /// This runner, showing where it stands as one line that is kept up to date. In a notebook:
    /// <c>runner.Showing(display("").Update)</c>.
    /// </summary>
    /// <param name="show">shows a value in the place of the last one, at most ten times a second.</param>
    public ExperimentRunner Showing(Action<object> show)
    {
        var line = new RunLine(show);
        return this with
        {
            Begun = line.Begin,
            Broken = line.Break,
            Progress = Progress + line.Report,
            Finished = line.Finished + Finished,
        };
    }

    /// <summary>
    /// Runs an experiment; its report is also written to reports/ in the store's folder, as JSON and as Markdown.
    /// </summary>
    /// <param name="experiment">which.</param>
    /// <param name="options">what was chosen.</param>
    /// <param name="run">how its runs are carried out.</param>
    /// <param name="cancellation">ends it; what was done is saved, and the same call goes on from there.</param>
    /// <returns>the report. Of the ranks of a group rank 0 alone makes one; the others <see cref="Train"/>.</returns>
    /// <exception cref="ArgumentException">The options do not go together.</exception>
    /// <exception cref="TrainingException">A run failed.</exception>
    public Report Run(
        Experiment experiment,
        ExperimentOptions options,
        RunOptions? run = null,
        CancellationToken cancellation = default
    )
    {
        cancellation = Cancellation.OrHost(cancellation);
        var grid = experiment.Grid(options);
        var results = Train(grid, options, run, cancellation);
        var report = experiment.Report(
            new ExperimentContext(options, Store, results, Say ?? (_ => { }), cancellation)
        ) with
        {
            Runs = [.. results.Select(result => result.Key)],
            Rule = VerdictRule.Version,
        };
        Write(report);
        return report;
    }

    /// <summary>
    /// Trains runs that are not in the cache yet, and reports nothing: an experiment's grid, or a part of it.
    /// </summary>
    /// <param name="grid">the runs.</param>
    /// <param name="options">what was chosen.</param>
    /// <param name="run">how they are carried out.</param>
    /// <param name="cancellation">ends it; what was done is saved, and the same call goes on from there.</param>
    /// <exception cref="TrainingException">A run failed.</exception>
    public IReadOnlyList<RunResult> Train(
        IReadOnlyList<RunConfig> grid,
        ExperimentOptions options,
        RunOptions? run = null,
        CancellationToken cancellation = default
    )
    {
        cancellation = Cancellation.OrHost(cancellation);
        var left = grid.Where(config => Store.Find(config) is null).ToList();
        _results.Clear();
        double seconds = 0,
            cost = 0;
        var runs = grid.DistinctBy(config => config.Key).ToList();
        Begun?.Invoke(runs.Count);
        foreach (var config in runs)
        {
            int index = left.IndexOf(config);
            RunResult result;
            try
            {
                result = Store.Train(
                    config,
                    (run ?? new()) with
                    {
                        Device = options.Device,
                        Peak = run?.Peak ?? PeakFlops.Published(options.Device),
                        Say = run?.Say ?? Say,
                        Progress = at =>
                            Progress?.Invoke(
                                new ExperimentProgress(config, _results.Count + 1, runs.Count, at, Remaining(at))
                            ),
                    },
                    cancellation
                );
            }
            catch
            {
                Broken?.Invoke();
                throw;
            }
            _results.Add(result);
            if (index >= 0)
                (seconds, cost) = (seconds + result.Seconds, cost + Cost(config));
            Finished?.Invoke(result, index < 0);

            TimeSpan? Remaining(TrainingProgress at)
            {
                double later = left.Skip(index + 1).Sum(Cost),
                    here = at.Remaining.TotalSeconds;
                double rate =
                    cost > 0 ? seconds / cost
                    : at.Step > at.Steps / 20 ? here / (Cost(config) * (1 - (double)at.Step / at.Steps) + 1)
                    : 0;
                return rate > 0 ? TimeSpan.FromSeconds(here + rate * later) : null;
            }
        }
        return [.. _results];
    }

    private static double Cost(RunConfig config) => config.Flops + StepOverhead * config.Steps;

    /// <summary>
    /// Where the report of an experiment at a scale is kept, as JSON; the same name with .md holds it in Markdown.
    /// </summary>
    public static string ReportFile(RunStore store, string experiment, Scale scale) =>
        Path.Combine(store.Folder, "reports", $"{experiment}-{scale.Name()}.json");

    /// <summary>Where a figure of that report is drawn, as SVG; the first is 0.</summary>
    public static string FigureFile(RunStore store, string experiment, Scale scale, int index) =>
        Path.ChangeExtension(ReportFile(store, experiment, scale), null) + $"-{index + 1}.svg";

    /// <summary>The last report of an experiment at a scale; null where there is none.</summary>
    /// <exception cref="IOException">It is damaged.</exception>
    public static Report? LastReport(RunStore store, string experiment, Scale scale)
    {
        string file = ReportFile(store, experiment, scale);
        if (!File.Exists(file))
            return null;
        try
        {
            return JsonSerializer.Deserialize<Report>(File.ReadAllBytes(file), RunConfig.Json)!;
        }
        catch (JsonException e)
        {
            throw new IOException($"{file} is damaged ({e.Message}); `patchkit run {experiment}` writes it anew.", e);
        }
    }

    private void Write(Report report)
    {
        string json = ReportFile(Store, report.Experiment, report.Scale),
            markdown = Path.ChangeExtension(json, ".md");
        Directory.CreateDirectory(Path.GetDirectoryName(json)!);
        RunFile.WriteJson(json, report);
        File.WriteAllText(markdown + ".partial", report.ToMarkdown());
        File.Move(markdown + ".partial", markdown, overwrite: true);
        foreach (var (figure, i) in report.Figures.Select((figure, i) => (figure, i)))
        {
            string drawing = FigureFile(Store, report.Experiment, report.Scale, i);
            File.WriteAllText(drawing + ".partial", figure.ToSvg());
            File.Move(drawing + ".partial", drawing, overwrite: true);
        }
    }
}
