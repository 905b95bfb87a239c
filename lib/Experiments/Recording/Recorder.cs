using System.Globalization;
using PatchKit.Experiments.Planning;
using PatchKit.Experiments.Reports;
using PatchKit.Experiments.Verdicts;
using PatchKit.Models;
using PatchKit.ScalingLaws;
using PatchKit.Training;
using PatchKit.Training.Runs;

namespace PatchKit.Experiments.Recording;

/// <summary>
/// Makes recorded results of finished experiments. It trains and measures nothing, and takes only what a build of a
/// commit's own sources made.
/// </summary>
/// <param name="Store">where the runs are.</param>
public sealed record Recorder(RunStore Store)
{
    /// <summary>The commit of the program that computes the report.</summary>
    public string Commit { get; init; } = Machine.Commit;

    /// <summary>An experiment's runs, or its measurements, with the report.</summary>
    /// <param name="experiment">which.</param>
    /// <param name="options">as it was run; the device may be left out, the runs know theirs.</param>
    /// <exception cref="ArgumentException">It is not finished, is of no known commit or of several machines, or has
    /// nothing to record.</exception>
    public RecordedResult Make(Experiment experiment, ExperimentOptions options)
    {
        if (options.Scale == Scale.Smoke)
            throw new ArgumentException(
                "scale smoke shows that everything runs and nothing of the effect; record teach, gpu or paper."
            );
        CheckCommit(Commit, "this program");
        var grid = experiment.Grid(options);
        return grid.Count > 0 ? OfRuns(experiment, options, grid) : OfMeasurements(experiment, options);
    }

    /// <summary>The command that runs an experiment with some options.</summary>
    public static string Command(string experiment, ExperimentOptions options)
    {
        var usual = new ExperimentOptions();
        List<string> words = [$"patchkit run {experiment}", $"--scale {options.Scale.Name()}"];
        Add("data", options.Data, usual.Data);
        Add("pretraining", options.Pretraining, usual.Pretraining);
        Add("seeds", options.Seeds, usual.Seeds);
        Add("first-seed", options.FirstSeed, usual.FirstSeed);
        Add("budget", options.Budget, usual.Budget);
        if (options.Pixels)
            words.Add("--pixels");
        Add("longer", options.Longer, usual.Longer);
        return string.Join(' ', words);

        void Add<T>(string name, T value, T unlessItIs)
        {
            if (!Equals(value, unlessItIs))
                words.Add(string.Create(CultureInfo.InvariantCulture, $"--{name} {value}"));
        }
    }

    private RecordedResult OfRuns(Experiment experiment, ExperimentOptions options, IReadOnlyList<RunConfig> grid)
    {
        var results = Finished(experiment, options, grid);
        var machine = One(results.Select(result => result.Machine), $"the runs of {experiment.Name}");
        var report = experiment.Report(new ExperimentContext(options, Store, results, _ => { }, default)) with
        {
            Runs = [.. results.Select(result => result.Key)],
            Rule = VerdictRule.Version,
            Date = results.Max(result => result.Date),
        };
        return Of(experiment, options, machine, report) with { Runs = [.. results.Select(Recorded)] };
    }

    // The results of the whole grid, each in float32 and of a commit that others have.
    private List<RunResult> Finished(Experiment experiment, ExperimentOptions options, IReadOnlyList<RunConfig> grid)
    {
        string command = Command(experiment.Name, options);
        var results = grid.Select(Store.Find).OfType<RunResult>().ToList();
        if (results.Count < grid.Count)
            throw new ArgumentException(
                $"{grid.Count - results.Count} of the {grid.Count} runs of {experiment.Name} are not "
                    + $"finished in {Store.Folder}; `{command}` makes them."
            );
        foreach (var result in results)
            CheckCommit(result.Commit, $"run {result.Key}");
        if (results.FirstOrDefault(result => result.Precision != TorchSharp.torch.ScalarType.Float32) is { } check)
            throw new ArgumentException(
                $"run {check.Key} was trained in {check.Precision}, as a check; `patchkit runs "
                    + $"delete {check.Key}` forgets it, and `{command}` trains it in Float32."
            );
        return results;
    }

    private RecordedRun Recorded(RunResult result) =>
        new(result, RecordedEpochs.Of(Store, result), PlateauTest.Of(Store.Curve(result.Key)));

    private RecordedResult OfMeasurements(Experiment experiment, ExperimentOptions options)
    {
        var steps = experiment.Steps(options).ToList();
        if (steps.Count == 0)
            throw new ArgumentException($"{experiment.Name} neither trains nor measures; there is nothing to record.");
        string command = Command(experiment.Name, options);
        var report =
            ExperimentRunner.LastReport(Store, experiment.Name, options.Scale)
            ?? throw new ArgumentException(
                $"{Store.Folder} has no report of {experiment.Name} at {options.Scale.Name()} yet; "
                    + $"`{command}` measures and makes one."
            );
        CheckCommit(report.Commit, $"the report of {experiment.Name}");
        var costs = Behind(report, steps);
        if (costs.Count == 0)
            throw new ArgumentException(
                $"{Store.Folder} has none of the {steps.Count} measurements that its report "
                    + $"of {experiment.Name}, made at commit {report.Commit}, was made from; "
                    + $"`{command}` measures them again."
            );
        return Of(experiment, options, report.Machine, report) with { Measurements = costs };
    }

    // The store keeps measurements of several scales, commits and machines: the report that was made last says which
    // are its own.
    private List<StepCost> Behind(Report report, List<(BackboneConfig Model, int Batch)> steps) =>
        [
            .. StepMeter
                .Kept(StepMeter.FolderIn(Store))
                .Where(cost => cost.Commit == report.Commit && cost.Machine == report.Machine)
                .Where(cost => steps.Contains((cost.Model, cost.Batch)))
                .OrderBy(cost => steps.IndexOf((cost.Model, cost.Batch))),
        ];

    private RecordedResult Of(Experiment experiment, ExperimentOptions options, Machine machine, Report report) =>
        new()
        {
            Format = RecordedResult.CurrentFormat,
            Experiment = experiment.Name,
            Scale = options.Scale,
            Budget = options.Budget,
            Machine = machine,
            Report = report with { Machine = machine, Commit = report.Runs.Count > 0 ? Commit : report.Commit },
            Runs = [],
            Measurements = [],
        };

    private static Machine One(IEnumerable<Machine> machines, string what)
    {
        var kinds = machines
            .DistinctBy(machine => (machine.Processor, RecordedResult.Kind(machine), machine.Threads, machine.Libtorch))
            .ToList();
        var names = kinds.Select(kind => $"{kind.Hardware}, {RecordedResult.Kind(kind)}, libtorch {kind.Libtorch}");
        return kinds.Count == 1
            ? kinds[0]
            : throw new ArgumentException(
                $"{what} were trained on {kinds.Count} kinds of machine ({string.Join("; ", names)}); record "
                    + "each machine's own store, or train those of one of them again."
            );
    }

    private static void CheckCommit(string commit, string what)
    {
        if (commit.Length == 0 || commit == "unknown")
            throw new ArgumentException(
                $"{what} was made by a build of no known commit, so nobody could make it again; build "
                    + "PatchKit inside its git repository and run the experiment there."
            );
        if (commit.Contains('-'))
            throw new ArgumentException(
                $"{what} was made by a build of changed sources ({commit}), which no commit holds; commit "
                    + "them, build, and run the experiment again."
            );
    }
}
