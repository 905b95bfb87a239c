using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using PatchKit.Torch;
using PatchKit.Training.Recipes;
using PatchKit.Training.Runs;
using Spectre.Console;

namespace PatchKit.Cli;

/// <summary>`patchkit runs`: what is in the cache of runs.</summary>
internal static class RunsCommand
{
    private const int CurveRows = 8;

    internal static Command Create()
    {
        var output = new Option<string?>("--out")
        {
            Description = "where runs are kept (default: runs)",
            Recursive = true,
        };
        var command = new Command("runs", "List, show, compare and delete the runs that were trained.")
        {
            output,
            List(output),
            Show(output),
            Compare(output),
            Delete(output),
        };
        command.SetAction(parsed => Print(new RunStore(parsed.GetValue(output))));
        return command;
    }

    private static Command List(Option<string?> output)
    {
        var command = new Command("list", "List all runs, the newest first; this is what `patchkit runs` alone does.");
        command.SetAction(parsed => Print(new RunStore(parsed.GetValue(output))));
        return command;
    }

    private static Command Show(Option<string?> output)
    {
        var key = new Argument<string>("key") { Description = "the run's key, or its beginning" };
        var command = new Command("show", "Show a run's settings, result and training curve.") { key };
        command.SetAction(parsed =>
        {
            var store = new RunStore(parsed.GetValue(output));
            var run = store.Get(parsed.GetValue(key)!);
            Console.WriteLine($"{run.Config}\n{run.Folder}\n");
            Tables.Print(
                "Settings",
                ["", run.Key],
                Settings(run.Config).Select(setting => (IReadOnlyList<string>)[setting.Key, setting.Value])
            );
            Results(store, [run]);
            return 0;
        });
        return command;
    }

    private static Command Compare(Option<string?> output)
    {
        var keys = new Argument<string[]>("keys")
        {
            Description = "the runs' keys, or their beginnings",
            Arity = new ArgumentArity(2, 100),
        };
        var command = new Command(
            "compare",
            "Put runs side by side: the settings in which they differ, their results, their training curves."
        )
        {
            keys,
        };
        command.SetAction(parsed =>
        {
            var store = new RunStore(parsed.GetValue(output));
            var runs = parsed.GetValue(keys)!.Select(store.Get).DistinctBy(run => run.Key).ToList();
            if (runs.Count < 2)
                throw new ArgumentException(
                    $"{runs[0].Key} is the only run that was named; name two or more (`patchkit runs` lists them)."
                );
            foreach (var run in runs)
                Console.WriteLine($"{run.Key}  {run.Config}");
            var settings = runs.Select(run => Settings(run.Config)).ToList();
            var differ = settings
                .SelectMany(own => own.Keys)
                .Distinct()
                .Where(name => settings.Select(own => own.GetValueOrDefault(name, "")).Distinct().Count() > 1);
            Console.WriteLine();
            Tables.Print(
                "Settings that differ",
                ["", .. runs.Select(run => run.Key)],
                differ.Select(name =>
                    (IReadOnlyList<string>)[name, .. settings.Select(own => own.GetValueOrDefault(name, ""))]
                ),
                Columns(runs)
            );
            Results(store, runs);
            return 0;
        });
        return command;
    }

    private static Command Delete(Option<string?> output)
    {
        var keys = new Argument<string[]>("keys")
        {
            Description = "the runs' keys, or their beginnings",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var unfinished = new Option<bool>("--unfinished") { Description = "all that did not come to their end" };
        var all = new Option<bool>("--all") { Description = "all" };
        var yes = new Option<bool>("--yes") { Description = "do not ask" };
        var command = new Command("delete", "Delete runs with their weights and curves.")
        {
            keys,
            unfinished,
            all,
            yes,
        };
        command.SetAction(parsed =>
        {
            var store = new RunStore(parsed.GetValue(output));
            var (named, some, every) = (parsed.GetValue(keys)!, parsed.GetValue(unfinished), parsed.GetValue(all));
            if ((named.Length > 0 ? 1 : 0) + (some ? 1 : 0) + (every ? 1 : 0) != 1)
                throw new ArgumentException(
                    "say what to delete in one way: keys of runs (`patchkit runs` lists them), --unfinished or --all."
                );
            var runs =
                named.Length > 0
                    ? named.Select(store.Get).DistinctBy(run => run.Key).ToList()
                    : [.. store.List().Where(run => every || run.Status != RunStatus.Finished)];
            return Delete(store, runs, parsed.GetValue(yes));
        });
        return command;
    }

    private static int Delete(RunStore store, IReadOnlyList<StoredRun> runs, bool sure)
    {
        if (runs.Count == 0)
        {
            Console.WriteLine($"The folder {store.Folder} has no such run.");
            return 0;
        }
        string what = $"{runs.Count:N0} {(runs.Count == 1 ? "run" : "runs")} of {Size(runs.Sum(run => run.Bytes))}";
        foreach (var run in runs)
            Console.WriteLine($"{run.Key}  {Word(run.Status), -11}  {run.Config}");
        if (!sure && Console.IsInputRedirected)
            throw new ArgumentException($"{what} would be deleted; add --yes if that is meant.");
        if (!sure && !AnsiConsole.Confirm($"Delete {what}?", defaultValue: false))
            return 1;
        foreach (var run in runs)
            store.Delete(run);
        Console.WriteLine($"Deleted {what}.");
        return 0;
    }

    private static int Print(RunStore store)
    {
        var runs = store.List();
        if (runs.Count == 0)
            Console.WriteLine($"There are no runs in {store.Folder}; `patchkit train` and `patchkit run` make some.");
        else
            Tables.Print(
                $"{store.Folder}: {runs.Count:N0} {(runs.Count == 1 ? "run" : "runs")}, "
                    + $"{Size(runs.Sum(run => run.Bytes))}",
                ["key", "", "run", "test loss", "score", "seconds", "size"],
                runs.Select(run =>
                    (IReadOnlyList<string>)
                        [
                            run.Key,
                            Word(run.Status),
                            $"{run.Config}",
                            Text(run.Result?.Test.Loss, "0.000"),
                            run.Result?.Headline ?? "",
                            Text(run.Result?.Seconds, "0"),
                            Size(run.Bytes),
                        ]
                ),
                3,
                4,
                5,
                6
            );
        return 0;
    }

    private static void Results(RunStore store, IReadOnlyList<StoredRun> runs)
    {
        string[] columns = ["", .. runs.Select(run => run.Key)];
        Tables.Print(
            "Results",
            columns,
            [
                Row("", run => Word(run.Status)),
                Row("test loss", run => Text(run.Result?.Test.Loss, "0.0000")),
                Row("top-1, %", run => Text(100 * run.Result?.Test.Top1, "0.00")),
                Row("top-5, %", run => Text(100 * run.Result?.Test.Top5, "0.00")),
                .. runs.SelectMany(run => run.Result?.Scores?.Figures ?? [])
                    .Select(figure => figure.Name)
                    .Distinct()
                    .Select(name =>
                        Row(
                            name,
                            run => run.Result?.Scores?.Figures.FirstOrDefault(figure => figure.Name == name).Value ?? ""
                        )
                    ),
                Row("training loss, at the end", run => Text(run.Result?.TrainingLoss, "0.0000")),
                Row("seconds of training", run => Text(run.Result?.Seconds, "0.0")),
                Row("parameters", run => Text(run.Result?.Parameters, "N0")),
                Row("GMACs per image", run => Text(run.Config.Model.Cost().Macs / 1e9, "0.0000")),
                Row(
                    "machine",
                    run =>
                        run.Result?.Machine is { } machine
                            ? $"{machine.Hardware}, {machine.Device}, libtorch {machine.Libtorch}"
                            : ""
                ),
                Row(
                    "ended",
                    run => run.Result?.Date.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture) ?? ""
                ),
            ],
            Columns(runs)
        );

        var curves = runs.Select(run => store.Curve(run.Key)).ToList();
        long steps = curves.Max(curve => curve.Count == 0 ? 0 : curve[^1].Step);
        var ends = Enumerable
            .Range(1, CurveRows)
            .Select(i => steps * i / CurveRows)
            .Distinct()
            .Where(end => end > 0)
            .ToList();
        if (ends.Count == 0)
            return;
        Tables.Print(
            "Training loss, mean of the steps after the row above",
            ["to step", .. columns[1..]],
            ends.Select(
                (end, i) =>
                    (IReadOnlyList<string>)
                        [$"{end:N0}", .. curves.Select(curve => Mean(curve, i == 0 ? 0 : ends[i - 1], end))]
            ),
            [0, .. Columns(runs)]
        );

        IReadOnlyList<string> Row(string name, Func<StoredRun, string> cell) => [name, .. runs.Select(cell)];
    }

    private static string Mean(IReadOnlyList<(long Step, double Loss)> curve, long after, long to)
    {
        var losses = curve.Where(point => point.Step > after && point.Step <= to).Select(point => point.Loss).ToList();
        return losses.Count == 0 ? "" : Text(losses.Average(), "0.000");
    }

    /// <summary>What a run was told, by names such as "model.patchSize".</summary>
    private static Dictionary<string, string> Settings(RunConfig config)
    {
        var node = JsonSerializer.SerializeToNode(config, RunConfig.Json)!.AsObject();
        node["recipe"] = JsonSerializer.SerializeToNode(RecipeOverrides.Settings(config.Recipe), RunConfig.Json);
        node["recipe"]!.AsObject().Insert(0, "name", config.Recipe.Name);
        node["startsFrom"] = config.StartsFrom?.Key;
        return Leaves(node, "").Where(leaf => leaf.Text != "").ToDictionary(leaf => leaf.Name, leaf => leaf.Text);
    }

    private static IEnumerable<(string Name, string Text)> Leaves(JsonNode? node, string name) =>
        node switch
        {
            JsonObject members => members.SelectMany(member =>
                Leaves(member.Value, name == "" ? member.Key : $"{name}.{member.Key}")
            ),
            JsonArray elements => elements.SelectMany((element, i) => Leaves(element, $"{name}.{i}")),
            _ => [(name, $"{node}")],
        };

    private static int[] Columns(IReadOnlyList<StoredRun> runs) => [.. Enumerable.Range(1, runs.Count)];

    private static string Word(RunStatus status) => status.ToString().ToLowerInvariant();

    private static string Text(double? value, string format) =>
        value is { } number && !double.IsNaN(number) ? number.ToString(format, CultureInfo.InvariantCulture) : "";

    private static string Size(long bytes) => bytes < 1e9 ? $"{bytes / 1e6:0.0} MB" : $"{bytes / 1e9:0.0} GB";
}
