using System.CommandLine;
using System.Text.Json;
using PatchKit.Data;
using PatchKit.Experiments;
using PatchKit.Training;
using static TorchSharp.torch;

namespace PatchKit.Cli;

/// <summary>`patchkit run NAME`: re-runs a table or figure and prints the report.</summary>
internal static class RunCommand
{
    internal static Command Create()
    {
        var name = new Argument<string>("name") { Description = "the experiment, such as table1 (patchkit list)" };
        var scale = new Option<Scale>("--scale") { Description = "smoke, teach, gpu or paper", DefaultValueFactory = _ => Scale.Teach };
        var data = new Option<string?>("--data") { Description = "a folder of real images in place of generated ones" };
        var device = new Option<string>("--device") { Description = "cpu, cuda or cuda:1", DefaultValueFactory = _ => "cpu" };
        var seeds = new Option<int?>("--seeds") { Description = "how many seeds" };
        var firstSeed = new Option<long>("--first-seed") { Description = "the first of them", DefaultValueFactory = _ => new ExperimentOptions().FirstSeed };
        var budget = new Option<double>("--budget") { Description = "a multiple of the scale's training steps", DefaultValueFactory = _ => 1 };
        var pixels = new Option<bool>("--pixels") { Description = "train p = 1 too, for one seed" };
        var pretraining = new Option<string?>("--pretraining") { Description = "table2, table3, figure1d to f, figure2: a folder of images by class that backbones are trained on first (default: generated images; at paper scale ImageNet-1k)" };
        var checkpoints = new Option<string?>("--checkpoints") { Description = "table1: a folder with released weights, which fill the cells that they can check" };
        var onBadSample = new Option<string>("--on-bad-sample") { Description = "what happens at an image that cannot be read", DefaultValueFactory = _ => "stop" };
        onBadSample.AcceptOnlyFromAmong("stop", "skip");
        var accumulate = new Option<int>("--accumulate") { Description = "parts that a batch is trained in, one after the other", DefaultValueFactory = _ => 1 };
        var memory = new MemoryOptions();
        var output = new Option<string?>("--out") { Description = "where runs are kept (default: runs)" };
        var resume = new Option<bool>("--resume") { Description = "go on with interrupted runs; this is the default, --resume false begins them anew", DefaultValueFactory = _ => true };
        var json = new Option<bool>("--json") { Description = "print the report as JSON" };
        var command = new Command("run", "Re-run a table or figure of the paper: what is not in the cache is trained, then the report puts the paper's numbers beside ours.")
        {
            name, scale, data, device, seeds, firstSeed, budget, pixels, pretraining, checkpoints, accumulate, memory.AutoBatch, memory.Limit, onBadSample, output, resume, json,
        };
        command.SetAction(parsed =>
        {
            var experiment = ExperimentBook.Find(parsed.GetValue(name)!);
            int? count = parsed.GetValue(seeds);
            if (count < 1) throw new ArgumentException($"{count} seeds measure nothing; use 1 or more.");
            var options = new ExperimentOptions
            {
                Scale = parsed.GetValue(scale), Data = parsed.GetValue(data), Device = Devices.Open(parsed.GetValue(device)!), Seeds = count, FirstSeed = parsed.GetValue(firstSeed),
                Budget = parsed.GetValue(budget), Pixels = parsed.GetValue(pixels), Pretraining = parsed.GetValue(pretraining), Checkpoints = parsed.GetValue(checkpoints),
            };
            var store = new RunStore(parsed.GetValue(output));
            if (!parsed.GetValue(resume)) Forget(store, experiment.Grid(options));
            memory.Apply(parsed);
            var run = new RunOptions { Accumulation = parsed.GetValue(accumulate), AutoBatch = parsed.GetValue(memory.AutoBatch), OnBadSample = parsed.GetValue(onBadSample) == "skip" ? BadSample.Skip : BadSample.Stop };
            return Run(experiment, options, store, run, parsed.GetValue(json));
        });
        return command;
    }

    private static int Run(Experiment experiment, ExperimentOptions options, RunStore store, RunOptions run, bool json)
    {
        using var stop = new CtrlC();
        using var display = new ProgressLines(quiet: json);
        if (!json) Console.WriteLine($"{experiment.Title}. The paper: {experiment.Claim}.");
        Report report;
        try
        {
            report = new ExperimentRunner(store) { Progress = display.Show, Finished = display.Finished, Say = display.Say }.Run(experiment, options, run, stop.Token);
        }
        catch (OperationCanceledException e) when (stop.Token.IsCancellationRequested)
        {
            display.Dispose();
            Console.Error.WriteLine($"patchkit: {e.Message.TrimEnd('.')}. The same command goes on from there.");
            return CtrlC.ExitCode;
        }
        display.Dispose();
        if (json) Console.WriteLine(JsonSerializer.Serialize(report, RunConfig.Json));
        else Print(report, store);
        return 0;
    }

    private static void Forget(RunStore store, IReadOnlyList<RunConfig> grid)
    {
        var keys = grid.Select(config => config.Key).ToHashSet();
        foreach (var run in store.List().Where(run => keys.Contains(run.Key) && run.Status != RunStatus.Finished)) store.Delete(run);
    }

    private static void Print(Report report, RunStore store)
    {
        foreach (var table in report.Tables) Tables.Print(table.Title, table.Columns, table.Rows, [.. Enumerable.Range(1, table.Columns.Count - 1)]);
        foreach (var verdict in report.Verdicts) Console.WriteLine($"* {verdict}");
        if (report.Caveats.Count > 0) Console.WriteLine("\nKeep in mind:");
        foreach (string caveat in report.Caveats) Console.WriteLine($"- {caveat}");
        Console.WriteLine($"\nFiles are in {store.Folder}.");
    }
}
