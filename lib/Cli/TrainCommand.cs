using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using PatchKit.Data;
using PatchKit.Data.Sets;
using PatchKit.Experiments.Sweeps;
using PatchKit.Metrics;
using PatchKit.Models;
using PatchKit.Models.Segmentation;
using PatchKit.Training;
using PatchKit.Training.Recipes;
using PatchKit.Training.Runs;
using PatchKit.Training.Tasks;
using static TorchSharp.torch;

namespace PatchKit.Cli;

/// <summary>`patchkit train`: one run of one recipe, which goes on where it was stopped.</summary>
internal static class TrainCommand
{
    private const string SmallVit = "small-vit",
        SmallAdventurer = "small-adventurer";

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
        var channels = new Option<int?>("--channels")
        {
            Description = "UperNet's width (default: 64 for small models, else 192)",
        };
        var auxiliary = new Option<bool>("--auxiliary")
        {
            Description = "recipes of segmentation: train an FCN head beside the decoder, which is not used afterwards",
        };
        decoder.AcceptOnlyFromAmong("linear", "upernet");
        var seed = new Option<long>("--seed") { Description = "seeds weights, images, order and augmentation" };
        var set = new Option<string[]>("--set")
        {
            Description = "changes to the recipe, such as epochs=10 dropPath=0.4",
            AllowMultipleArgumentsPerToken = true,
        };
        var device = new Option<string>("--device")
        {
            Description = "cpu, cuda or cuda:1",
            DefaultValueFactory = _ => "cpu",
        };
        var accumulate = new Option<int>("--accumulate")
        {
            Description = "parts that a batch is trained in, one after the other",
            DefaultValueFactory = _ => 1,
        };
        var memory = new MemoryOptions();
        var minutes = new Option<double>("--checkpoint-minutes")
        {
            Description = "time between two checkpoints",
            DefaultValueFactory = _ => 2,
        };
        var steps = new Option<int>("--checkpoint-steps")
        {
            Description = "steps between two checkpoints, besides; 0 for none",
        };
        var onBadSample = new Option<string?>("--on-bad-sample")
        {
            Description =
                "what happens at an image that cannot be read: stop or skip (default: as the run was begun, "
                + "and stop for a new one)",
        };
        var output = new Option<string?>("--out") { Description = "where runs are kept (default: runs)" };
        var precision = new Option<string>("--precision")
        {
            Description = "float32, or float64 for checks; part of no run's key",
            DefaultValueFactory = _ => "float32",
        };
        precision.AcceptOnlyFromAmong("float32", "float64");
        var json = new Option<bool>("--json") { Description = "print the result as JSON" };
        onBadSample.AcceptOnlyFromAmong("stop", "skip");
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
            device,
            accumulate,
            memory.AutoBatch,
            memory.Limit,
            minutes,
            steps,
            onBadSample,
            precision,
            output,
            json,
        };
        command.SetAction(parsed =>
        {
            var store = new RunStore(parsed.GetValue(output));
            OutputPlace.Folder(store.Folder, "--out");
            var usual = RecipeBook.Find(parsed.GetValue(recipe)!);
            var changed = RecipeOverrides.Apply(usual, parsed.GetValue(set) ?? []);
            var from = parsed.GetValue(start) is { } key ? store.Get(key).Config : null;
            bool resized = Resized(from, parsed.GetValue(patch), parsed.GetValue(transfer));
            var config = (
                SegmentationRecipes.All.Any(own => own.Name == usual.Name)
                    ? Segmenting(
                        changed,
                        parsed.GetValue(model),
                        parsed.GetValue(input),
                        parsed.GetValue(patch),
                        parsed.GetValue(data),
                        from,
                        (
                            parsed.GetValue(decoder) == "upernet"
                                ? SegmentationConfig.UperNet()
                                : SegmentationConfig.Linear
                        ) with
                        {
                            Auxiliary = parsed.GetValue(auxiliary),
                        },
                        parsed.GetValue(channels)
                    )
                : DetectionRecipes.All.Any(own => own.Name == usual.Name)
                    ? DetectionGrid.Of(changed, parsed.GetValue(patch), parsed.GetValue(data), from)
                : Config(
                    changed,
                    parsed.GetValue(model),
                    parsed.GetValue(input),
                    parsed.GetValue(patch),
                    parsed.GetValue(data),
                    from
                )
            ) with
            {
                Seed = parsed.GetValue(seed),
                TransferPatch = resized,
            };
            double between = parsed.GetValue(minutes);
            if (!(between > 0) || parsed.GetValue(steps) < 0)
                throw new ArgumentException(
                    $"--checkpoint-minutes {between} and --checkpoint-steps {parsed.GetValue(steps)} say no "
                        + "time for a checkpoint; use minutes above 0, and 0 steps or more."
                );
            memory.Apply(parsed);
            using var ranks = Ranks.Join(parsed.GetValue(device)!);
            var options = new RunOptions
            {
                Device = ranks.Device,
                Group = ranks.Group,
                Precision = Enum.Parse<ScalarType>(parsed.GetValue(precision)!, ignoreCase: true),
                AutoBatch = parsed.GetValue(memory.AutoBatch),
                Accumulation = parsed.GetValue(accumulate),
                OnBadSample = parsed.GetValue(onBadSample) is { } policy
                    ? policy == "skip"
                        ? BadSample.Skip
                        : BadSample.Stop
                    : null,
                CheckpointEvery = TimeSpan.FromMinutes(Math.Min(between, int.MaxValue)),
                CheckpointSteps = parsed.GetValue(steps),
            };
            return Train(store, config, options, RecipeOverrides.Differences(usual, changed), parsed.GetValue(json));
        });
        return command;
    }

    private static bool Resized(RunConfig? start, int? patch, bool allowed)
    {
        if (start is null)
            return allowed
                ? throw new ArgumentException(
                    "--transfer-patch resizes the patch embedding of the weights that a run starts from; "
                        + "name them with --start, or leave it out."
                )
                : false;
        if (patch is not { } size || size == start.Model.PatchSize)
            return false;
        return allowed
            ? true
            : throw new ArgumentException(
                $"--start {start.Key} has patch size {start.Model.PatchSize}, but --patch {size} was given; "
                    + "add --transfer-patch to resize its patch embedding, or leave --patch out."
            );
    }

    private static RunConfig Config(
        Recipe recipe,
        string? model,
        int? input,
        int? patch,
        string? folder,
        RunConfig? start
    )
    {
        string name = model ?? recipe.Models[0];
        bool small = name is SmallVit or SmallAdventurer;
        if (recipe.StartsFrom is { } earlier && start is null)
            throw new ArgumentException(
                $"recipe {recipe.Name} starts from weights of {earlier}; train that first and give the key "
                    + "of its run with --start (`patchkit runs` lists them)."
            );
        if (folder is null && (recipe.EpochImages == 0 || recipe.Name == Small.Images.Name))
        {
            string source =
                small || recipe.Name == Small.Gpu.Name
                    ? "`patchkit data fetch cifar10` gets one"
                    : "ImageNet-1k: `patchkit data fetch imagenet` says how to get it";
            throw new ArgumentException(
                $"recipe {recipe.Name} trains on real images; name their folder with --data ({source}), or "
                    + "take --recipe teach, which makes its own."
            );
        }
        var preset = Model(name);
        DataConfig data = folder is not null
            ? ImageDataConfig.In(folder, input)
            : new GeneratedDataConfig
            {
                Options = new MultiScaleBitsOptions().Sized(input ?? (small ? 16 : preset.Height)),
                // the experiments' runs are the same ones
                TestImages = recipe.Name == Small.Smoke.Name ? 500 : new GeneratedDataConfig().TestImages,
            };
        int size = data is ImageDataConfig images ? images.Size : ((GeneratedDataConfig)data).Options.Height;
        return new RunConfig
        {
            Model = preset with
            {
                Height = size,
                Width = size,
                PatchSize = patch ?? start?.Model.PatchSize ?? (small ? 4 : preset.PatchSize),
                Classes = data.Classes,
            },
            Recipe = recipe,
            Data = data,
            StartsFrom = start,
        };
    }

    // The backbone is the earlier run's; without one it is drawn anew.
    private static RunConfig Segmenting(
        Recipe recipe,
        string? model,
        int? input,
        int? patch,
        string? folder,
        RunConfig? start,
        SegmentationConfig decoder,
        int? channels
    )
    {
        if (start is not null && model is not null)
            throw new ArgumentException($"--start {start.Key} says the model, {start}; leave --model out.");
        string name = model ?? recipe.Models[0];
        bool small = start is null ? name is SmallVit or SmallAdventurer : start.Model.Init == WeightInit.FanIn;
        if (folder is null && (!recipe.Models.Contains(SmallVit) || recipe.Name == SegmentationRecipes.Images.Name))
            throw new ArgumentException(
                $"recipe {recipe.Name} segments real images; name their folder, in ADE20K's layout, with "
                    + "--data (data-scripts/ade20k.sh says how to get it), or take "
                    + $"--recipe {SegmentationRecipes.Teach.Name}, which makes its own."
            );
        var scenes = MultiScaleBitsOptions.Segmentation;
        int? side = input ?? (folder is not null && !small ? 512 : null);
        DataConfig data = folder is null
            ? new GeneratedDataConfig
            {
                Options = scenes.Sized(input ?? scenes.Height),
                TestImages = recipe.Name == SegmentationRecipes.Smoke.Name ? 100 : 500,
                Annotations = Annotations.Dense,
            }
            : SegmentationDataConfig.In(folder, side is { } length ? (length, length) : null) with
            {
                ShorterSide = side ?? 0,
            };
        var (height, width) = data is SegmentationDataConfig real
            ? (real.Height, real.Width)
            : (scenes.Sized(input ?? scenes.Height).Height, scenes.Sized(input ?? scenes.Width).Width);
        var backbone = (start?.Model ?? Model(name)) with
        {
            PatchSize = patch ?? start?.Model.PatchSize ?? (small ? 4 : 16),
        };
        return new RunConfig
        {
            Model = backbone with { Height = height, Width = width, Classes = 0 },
            Recipe = recipe,
            Data = data,
            StartsFrom = start,
            Task = new SegmentationTask
            {
                Decoder =
                    decoder.Decoder == DecoderKind.Linear
                        ? decoder
                        : decoder with
                        {
                            Channels = channels ?? (small ? 64 : SegmentationConfig.PaperChannels),
                        },
            },
        };
    }

    /// <summary>A model by the name that --model takes.</summary>
    /// <exception cref="ArgumentException">There is no such model; the message has the nearest name.</exception>
    internal static BackboneConfig Model(string name)
    {
        string[] names = [SmallVit, SmallAdventurer, .. ModelZoo.Presets.Select(preset => preset.Name)];
        if (!names.Contains(name))
            throw new ArgumentException(
                $"there is no model \"{name}\"; did you mean {NearestName.Of(name, names)}? There "
                    + $"are {string.Join(", ", names)}."
            );
        return name switch
        {
            SmallVit => SmallNet.Vit(1, 1, 1),
            SmallAdventurer => SmallNet.Adventurer(1, 1, 1),
            _ => ModelZoo.Find(name).Config,
        };
    }

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
