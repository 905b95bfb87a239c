using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using PatchKit.Experiments;
using PatchKit.Metrics;
using PatchKit.Models.Segmentation;
using PatchKit.Training;
using PatchKit.Training.Recipes;
using PatchKit.Training.Runs;
using PatchKit.Training.Tasks;

namespace PatchKit.Cli;

/// <summary>`patchkit train`: one run of one recipe, which goes on where it was stopped.</summary>
internal static class TrainCommand
{
    internal static Command Create()
    {
        var recipe = new Option<string>("--recipe")
        {
            Description = "how it is trained (patchkit list)",
            Required = true,
        };
        var model = new Option<string?>("--model")
        {
            Description =
                "small-vit, small-adventurer, or one that `patchkit models` lists (default: the recipe's first)",
        };
        var input = new Option<int?>("--input")
        {
            Description =
                "image side in pixels (default: 16 for small models on generated images, 32 for CIFAR, a "
                + "packed set's own, else 224)",
        };
        var patch = new Option<int?>("--patch") { Description = "patch size (default: 4 for small models, else 16)" };
        var data = new Option<string?>("--data")
        {
            Description = "a folder of images; generated ones where the recipe can do with them",
        };
        var start = new Option<string?>("--start")
        {
            Description = "the key of the run whose weights it starts from (patchkit runs)",
        };
        var transfer = new Option<bool>("--transfer-patch")
        {
            Description =
                "with --start: resize the patch embedding by pseudo-inverse where the earlier run has "
                + "another patch size",
        };
        var decoder = new Option<string>("--decoder")
        {
            Description = "recipes of segmentation: linear or upernet",
            DefaultValueFactory = _ => "linear",
        };
        decoder.AcceptOnlyFromAmong("linear", "upernet");
        var channels = new Option<int?>("--channels")
        {
            Description = "UperNet's width (default: 64 for small models, else 192)",
        };
        var auxiliary = new Option<bool>("--auxiliary")
        {
            Description = "recipes of segmentation: train an FCN head beside the decoder, which is not used afterwards",
        };
        var seed = new Option<long>("--seed") { Description = "seeds weights, images, order and augmentation" };
        var set = new Option<string[]>("--set")
        {
            Description = "changes to the recipe, such as epochs=10 dropPath=0.4",
            AllowMultipleArgumentsPerToken = true,
        };
        var training = new TrainingOptions();
        var minutes = new Option<double>("--checkpoint-minutes")
        {
            Description = "time between two checkpoints",
            DefaultValueFactory = _ => 2,
        };
        var steps = new Option<int>("--checkpoint-steps")
        {
            Description = "steps between two checkpoints, besides; 0 for none",
        };
        var json = new Option<bool>("--json") { Description = "print the result as JSON" };
        var command = new Command(
            "train",
            "Train one model by a recipe. The same command goes on with a run that was stopped, and trains none twice."
        )
        {
            recipe,
            model,
            input,
            patch,
            data,
            start,
            transfer,
            decoder,
            channels,
            auxiliary,
            seed,
            set,
            training.Device,
            training.Accumulate,
            training.AutoBatch,
            training.Memory,
            minutes,
            steps,
            training.OnBadSample,
            training.Precision,
            training.Out,
            json,
        };
        command.SetAction(parsed =>
        {
            var store = training.Store(parsed);
            var usual = RecipeBook.Find(parsed.GetValue(recipe)!);
            var changed = RecipeOverrides.Apply(usual, parsed.GetValue(set) ?? []);
            var config = new RunRequest
            {
                Recipe = changed,
                Model = parsed.GetValue(model),
                Input = parsed.GetValue(input),
                Patch = parsed.GetValue(patch),
                Data = parsed.GetValue(data),
                Start = parsed.GetValue(start) is { } key ? store.Get(key).Config : null,
                TransferPatch = parsed.GetValue(transfer),
                Decoder = Enum.Parse<DecoderKind>(parsed.GetValue(decoder)!, ignoreCase: true),
                Channels = parsed.GetValue(channels),
                Auxiliary = parsed.GetValue(auxiliary),
                Seed = parsed.GetValue(seed),
            }.ToConfig();
            var (every, after) = Checkpoints(parsed.GetValue(minutes), parsed.GetValue(steps));
            using var ranks = Ranks.Join(parsed.GetValue(training.Device)!);
            var options = training.RunOptions(parsed, ranks) with { SaveEvery = every, SaveSteps = after };
            return Train(store, config, options, RecipeOverrides.Differences(usual, changed), parsed.GetValue(json));
        });
        return command;
    }

    private static (TimeSpan Every, int Steps) Checkpoints(double minutes, int steps) =>
        minutes > 0 && steps >= 0
            ? (TimeSpan.FromMinutes(Math.Min(minutes, int.MaxValue)), steps)
            : throw new ArgumentException(
                $"--checkpoint-minutes {minutes} and --checkpoint-steps {steps} say no "
                    + "time for a checkpoint; use minutes above 0, and 0 steps or more."
            );

    private static int Train(
        RunStore store,
        RunConfig config,
        RunOptions options,
        IReadOnlyList<string> changes,
        bool json
    )
    {
        string folder = store.FolderOf(config);
        var cost = config.Model.Cost(); // refuses patches that do not fit
        if (!json)
        {
            Console.WriteLine(config.Recipe.Header);
            if (changes.Count > 0)
                Console.WriteLine($"  changed   {string.Join(", ", changes)}");
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"  run       {config}: {cost.Parameters:N0} parameters, {config.Model.Tokens:N0} tokens"
                )
            );
            Console.WriteLine($"  files     {folder}");
            if (config.Data is CocoDataConfig { BoxesAlone: true })
                Console.WriteLine("  note      the set has no masks: boxes alone are trained and scored");
        }
        bool known = store.Find(config) is not null;
        using var stop = new CtrlC();
        using var display = new ProgressLines(quiet: json || options.Group is { Leads: false });
        RunResult result;
        try
        {
            result = store.Train(
                config,
                options with
                {
                    Progress = at => display.Show(at, config.Recipe.Name, at.Remaining),
                    Say = display.Say,
                    Peak = known ? null : PeakFlops.Of(options.Device),
                },
                stop.Token
            );
        }
        catch (OperationCanceledException e) when (stop.Token.IsCancellationRequested || options.Group is not null)
        {
            display.Dispose();
            Console.Error.WriteLine($"patchkit: {e.Message.TrimEnd('.')}. The same command goes on with it.");
            return CtrlC.ExitCode;
        }
        display.Dispose();
        if (json)
            Console.WriteLine(JsonSerializer.Serialize(result, RunConfig.Json));
        else
            Print(result, known);
        return 0;
    }

    private static void Print(RunResult result, bool known)
    {
        var test = result.Test;
        if (known)
            Console.WriteLine(
                $"This run was trained already, {result.Date:yyyy-MM-dd}; `patchkit runs "
                    + $"delete {result.Key}` forgets it."
            );
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"""
                test loss {test.Loss:0.000}, {result.Headline}{(
                    double.IsFinite(test.Top5) ? $", top-5 {100 * test.Top5:0.0} %" : ""
                )} of {test.Images:N0} images
                training loss at the end {result.TrainingLoss:0.000}, {result.Steps:N0} steps in {result.Seconds:0.0} s
                """
            )
        );
        if (result.Speed is { } speed)
            Console.WriteLine($"{speed}{(speed.Peak is null ? "" : $"; MFU is of {speed.Peak}")}");
        if (result.Scores is DetectionResult { Note: { } note })
            Console.WriteLine($"note: {note}");
        if (result.LeftOut > 0)
            Console.WriteLine(
                $"{result.LeftOut:N0} files that cannot be read were left out (`patchkit data verify` lists them)"
            );
    }
}
