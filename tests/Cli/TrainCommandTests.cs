using System.Text.Json;
using PatchKit.Cli;
using PatchKit.Models;
using PatchKit.Tests.Torch;
using PatchKit.Tests.Training;
using PatchKit.Torch;
using PatchKit.Training.Loop;
using PatchKit.Training.Recipes;
using PatchKit.Training.Runs;
using Xunit;

namespace PatchKit.Tests.Cli;

/// <summary>`patchkit train`: what it prints and keeps, and what it refuses in a sentence.</summary>
[Trait("speed", "seconds")]
public sealed class TrainCommandTests : IDisposable
{
    private static readonly string[] s_short =
    [
        "--recipe",
        "smoke",
        "--set",
        "epochs=2",
        "epochImages=64",
        "batchSize=16",
    ];
    private readonly string _folder = Directory.CreateTempSubdirectory("patchkit-train-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private RunStore Store => new(_folder);

    [Fact]
    public void PrintsTheRecipeTheChangesAndTheResult()
    {
        var run = Train([.. s_short, "--patch", "8", "--seed", "7"]);
        var (stored, result) = (Store.List().Single(), Store.List().Single().Result!);
        Assert.Equal(0, run.Code);
        Assert.StartsWith(
            RecipeBook.Find("smoke").Header
                + "\n  changed   epochs 10 -> 2, epochImages 1280 -> 64, batchSize 64 -> 16\n",
            run.Output
        );
        Assert.Contains(
            "ViT D=48 x2, p=8, generated images, 16x16 pixels, smoke, 8 steps, seed 7: 66,976 parameters, 5 tokens\n",
            run.Output
        );
        Assert.Contains($"  files     {stored.Folder}\n", run.Output);
        Assert.Contains(
            FormattableString.Invariant($"test loss {result.Test.Loss:0.000}, top-1 {100 * result.Test.Top1:0.0} %"),
            run.Output
        );
        Assert.Matches(
            @"images/s, [0-9.]+ % MFU, [0-9]+ % of the time waiting for data, peak memory [0-9.]+ [MG]iB; "
                + @"MFU is of a measured matmul peak, [0-9,]+ GFLOP/s\n",
            run.Output
        );

        Assert.Contains("was trained already", Train([.. s_short, "--patch", "8", "--seed", "7"]).Output);
        var json = JsonElement.Parse(Train([.. s_short, "--patch", "8", "--seed", "7", "--json"]).Output);
        Assert.Equal(
            (stored.Key, result.Test.Loss),
            (json.GetProperty("key").GetString(), json.GetProperty("test").GetProperty("loss").GetDouble())
        );
        Assert.Single(Store.List());
    }

    [Fact]
    public void MemoryThatRunsOutIsASentenceOrIsDoneWithLess()
    {
        string[] large =
        [
            "--recipe",
            "smoke",
            "--set",
            "epochs=1",
            "epochImages=512",
            "batchSize=512",
            "warmupEpochs=0",
            "--patch",
            "2",
        ];
        try
        {
            Engine.ReleaseMemory();
            string limit = FormattableString.Invariant(
                $"{(Engine.Memory().LiveBytes + (40L << 20)) / (double)(1L << 30)}"
            );
            string sentence = Expect.Refused<TrainingException>(
                () => Train([.. large, "--memory", limit]),
                "a training step with 512 images at a time does not fit into the memory of the CPU, "
            );
            Assert.Matches(
                @"give --accumulate [0-9]+ \([0-9]+ images at a time\), about [0-9.]+ [MG]iB of [0-9.]+ [MG]iB "
                    + "by the cost model, or --auto-batch",
                sentence
            );
            Expect.Refused<ArgumentException>(() => Train([.. large, "--memory", "-1"]), "--memory -1 leaves no room");
            var halved = Train([.. large, "--memory", limit, "--auto-batch"]);
            Assert.Equal(0, halved.Code);
            Assert.Contains("it is done again, and the run goes on, in 2 parts", halved.Errors);
            Assert.InRange(Store.List().Single().Result!.Speed!.Accumulation, 2, 512);
        }
        finally
        {
            Engine.LimitMemory(0);
        }
    }

    [Fact]
    public void OptionsChooseTheRun()
    {
        Train([.. s_short, "--model", "small-adventurer", "--input", "8", "--patch", "2", "--seed", "3"]);
        var config = Store.List().Single().Config;
        Assert.Equal(
            (Family.Adventurer, 8, 2, 16, 3),
            (config.Family, config.Model.Height, config.Model.PatchSize, config.Model.Classes, config.Seed)
        );
        Train([.. s_short, "--start", Store.List().Single().Key, "--model", "small-adventurer", "--patch", "2"]);
        Assert.Equal(config.Key, Store.List().Single(run => run.Key != config.Key).Config.StartsFrom!.Key);
    }

    /// <summary>The runs of `patchkit run` are the same ones, so that none is trained twice.</summary>
    [Fact]
    public void ItIsTheExperimentsRun()
    {
        Train(["--recipe", "smoke", "--patch", "8", "--seed", "10"]);
        Assert.Contains(
            Store.List().Single().Key,
            PatchKit
                .Experiments.ExperimentBook.Find("table1")
                .Grid(new() { Scale = PatchKit.Experiments.Scale.Smoke })
                .Select(config => config.Key)
        );
    }

    [Theory, InlineData("cifar", 32, 10), InlineData("folders", 224, 4)]
    public void RealImages(string kind, int size, int classes)
    {
        string images = Path.Combine(_folder, "images");
        if (kind == "cifar")
            SmallImages.Cifar(images);
        else
            SmallImages.Folders(images);
        var run = Train(
            "--recipe",
            "teach-images",
            "--data",
            images,
            "--patch",
            kind == "cifar" ? "16" : "56",
            "--set",
            "epochs=1",
            "epochImages=0",
            "batchSize=16",
            "--checkpoint-steps",
            "2",
            "--accumulate",
            "2"
        );
        Assert.Equal(0, run.Code);
        var stored = Store.List().Single();
        Assert.Equal(
            (size, classes, SmallImages.Test),
            (stored.Config.Model.Height, stored.Config.Model.Classes, (int)stored.Result!.Test.Images)
        );
    }

    [Theory]
    [InlineData("there is no recipe \"smok\"; did you mean smoke?", "--recipe", "smok")]
    [InlineData("a recipe has no \"epoch\"; did you mean epochs?", "--recipe", "smoke", "--set", "epoch=3")]
    [InlineData("epochs=many does not fit", "--recipe", "smoke", "--set", "epochs=many")]
    [InlineData(
        "there is no model \"small-vitt\"; did you mean small-vit?",
        "--recipe",
        "smoke",
        "--model",
        "small-vitt"
    )]
    [InlineData(
        "patch size 5 does not divide image size 16; use a divisor such as 2, 4 or 8.",
        "--recipe",
        "smoke",
        "--patch",
        "5"
    )]
    [InlineData(
        "patch size 16 does not divide image size 24",
        "--recipe",
        "smoke",
        "--model",
        "deit-tiny",
        "--input",
        "24"
    )]
    [InlineData("recipe deit trains on real images; name their folder with --data", "--recipe", "deit")]
    [InlineData("recipe teach-images trains on real images", "--recipe", "teach-images")]
    [InlineData(
        "recipe adventurer-finetune-base starts from weights of adventurer-intermediate-base; train that first",
        "--recipe",
        "adventurer-finetune-base",
        "--data",
        "images"
    )]
    [InlineData("no run in ", "--recipe", "smoke", "--start", "0123")]
    [InlineData("nowhere does not exist", "--recipe", "teach-images", "--data", "nowhere")]
    [InlineData("a batch of 64 does not split into 3 equal parts", "--recipe", "smoke", "--accumulate", "3")]
    [InlineData("--checkpoint-minutes 0 ", "--recipe", "smoke", "--checkpoint-minutes", "0")]
    [InlineData("\"gpu\" is no device", "--recipe", "smoke", "--device", "gpu")]
    public void WhatCannotBeIsRefused(string sentence, params string[] arguments) =>
        Expect.Refused<Exception>(() => Train(arguments), sentence);

    [Fact]
    public void ARefusalIsOneSentenceAndExitCode1()
    {
        using var process = new ChildProcess("train", "--recipe", "smoke", "--patch", "5", "--out", _folder);
        var run = process.End();
        Assert.Equal(
            (
                1,
                "patchkit: patch size 5 does not divide image size 16; use a divisor such as 2, 4 or 8. "
                    + "(PATCHKIT_TRACE=1 shows where.)\n",
                ""
            ),
            (run.Code, run.Errors, run.Output)
        );
    }

    [Fact]
    public void CtrlCSavesAndTheSameCommandGoesOn()
    {
        string[] arguments = ["train", "--recipe", "smoke", "--patch", "8", "--out", _folder, "--set", "epochs=1000"];
        using var process = new ChildProcess(arguments);
        while (!process.HasExited && !Store.List().Any(run => Store.Curve(run.Key).Count > 0))
            Thread.Sleep(10);
        process.Interrupt();
        var stopped = process.End();
        Assert.Equal(130, stopped.Code);
        Assert.Matches(
            @"(?m)^patchkit: training was stopped at step \d+ of 20000; the checkpoint is in .*\. "
                + @"The same command goes on with it\.\n\z",
            stopped.Errors
        );
        var stored = Store.List().Single();
        Assert.Equal(RunStatus.Interrupted, stored.Status);

        int steps = Store.Curve(stored.Key).Count;
        using var again = new ChildProcess(arguments);
        while (!again.HasExited && Store.Curve(stored.Key).Count <= steps)
            Thread.Sleep(10);
        again.Interrupt();
        Assert.Equal(130, again.End().Code);
    }

    private CommandRun Train(params string[] arguments) =>
        CommandRun.Of(TrainCommand.Create(), [.. arguments, "--out", _folder]);
}
