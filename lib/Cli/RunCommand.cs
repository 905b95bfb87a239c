using System.CommandLine;
using System.Text.Json;
using PatchKit.Experiments;
using PatchKit.Experiments.Reports;
using PatchKit.Experiments.Sweeps;
using PatchKit.Training.Runs;

namespace PatchKit.Cli;

/// <summary>`patchkit run NAME`: re-runs a table or figure and prints the report.</summary>
internal static class RunCommand
{
    internal static Command Create()
    {
        var command = new Command(
            "run",
            "Re-run a table or figure of the paper: what is not in the cache is trained, then the report "
                + "puts the paper's numbers beside ours."
        );
        var choices = new ExperimentChoices(command);
        var training = new TrainingOptions();
        var checkpoints = new Option<string?>("--checkpoints")
        {
            Description = "table1: a folder with released weights, which fill the cells that they can check",
        };
        var only = new Option<string?>("--only")
        {
            Description =
                "train the third of twelve parts of the grid, 3/12, and report nothing; the command without "
                + "--only reports when all are there (patchkit plan says how many parts there are)",
        };
        var resume = new Option<bool>("--resume")
        {
            Description = "go on with interrupted runs; this is the default, --resume false begins them anew",
            DefaultValueFactory = _ => true,
        };
        var json = new Option<bool>("--json") { Description = "print the report as JSON" };
        foreach (
            var option in new Option[]
            {
                training.Device,
                checkpoints,
                training.Accumulate,
                training.AutoBatch,
                training.Memory,
                training.OnBadSample,
                only,
                training.Precision,
                training.Out,
                resume,
                json,
            }
        )
            command.Add(option);
        command.SetAction(parsed =>
        {
            var experiment = ExperimentBook.Find(choices.Name(parsed)!);
            using var ranks = Ranks.Join(parsed.GetValue(training.Device)!);
            var options = choices.Options(parsed) with
            {
                Device = ranks.Device,
                Checkpoints = parsed.GetValue(checkpoints),
            };
            var store = training.Store(parsed);
            var part = parsed.GetValue(only) is { } words ? GridPart.Parse(words) : null;
            if (part is not null && experiment.Grid(options).Count == 0)
                throw new ArgumentException(
                    $"{experiment.Name} trains nothing, so that it has no part {part}; leave --only out."
                );
            if (!parsed.GetValue(resume) && ranks.Leads)
                Forget(store, part?.From(experiment.Grid(options)) ?? experiment.Grid(options));
            var run = training.RunOptions(parsed, ranks);
            return Run(experiment, options, part, store, run, parsed.GetValue(json));
        });
        return command;
    }

    private static int Run(
        Experiment experiment,
        ExperimentOptions options,
        GridPart? part,
        RunStore store,
        RunOptions run,
        bool json
    )
    {
        using var stop = new CtrlC();
        using var display = new ProgressLines(quiet: json || run.Group is { Leads: false });
        if (!json)
            Console.WriteLine($"{experiment.Title}. The paper: {experiment.Claim}.");
        Report? report = null;
        try
        {
            var runner = new ExperimentRunner(store)
            {
                Progress = display.Show,
                Finished = display.Finished,
                Say = display.Say,
            };
            run = run with { Say = display.Say };
            if (part is null && run.Group is null or { Leads: true })
                report = runner.Run(experiment, options, run, stop.Token);
            else
                runner.Train(
                    part?.From(experiment.Grid(options)) ?? experiment.Grid(options),
                    options,
                    run,
                    stop.Token
                );
        }
        catch (OperationCanceledException e) when (stop.Token.IsCancellationRequested || run.Group is not null)
        {
            display.Dispose();
            Console.Error.WriteLine($"patchkit: {e.Message.TrimEnd('.')}. The same command goes on from there.");
            return CtrlC.ExitCode;
        }
        display.Dispose();
        if (part is not null)
            display.Say(Standing(part, experiment, experiment.Grid(options), store));
        else if (report is not null && json)
            Console.WriteLine(JsonSerializer.Serialize(report, RunConfig.Json));
        else if (report is not null)
            ReportPrinter.Whole(report, store); // of several ranks the first reports
        return 0;
    }

    private static void Forget(RunStore store, IReadOnlyList<RunConfig> grid)
    {
        var keys = grid.Select(config => config.Key).ToHashSet();
        foreach (var run in store.List().Where(run => keys.Contains(run.Key) && run.Status != RunStatus.Finished))
            store.Delete(run);
    }

    private static string Standing(GridPart part, Experiment experiment, IReadOnlyList<RunConfig> grid, RunStore store)
    {
        int there = grid.Count(config => store.Find(config) is not null);
        string done =
            part.From(grid).Count == 0
                ? $"part {part} is empty: {experiment.Name} has {GridPart.Count(grid)} parts"
                : $"part {part} is trained";
        return $"{done}; {there} of {grid.Count} runs are in {store.Folder}, and the same command without "
            + $"--only {(there == grid.Count ? "reports" : "trains the others and reports")}.";
    }
}
