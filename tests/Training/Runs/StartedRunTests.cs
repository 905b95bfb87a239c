using PatchKit.Checkpoints;
using PatchKit.Cli;
using PatchKit.Data.Images;
using PatchKit.Data.Sets;
using PatchKit.Models;
using PatchKit.Patchify;
using PatchKit.Tests.Cli;
using PatchKit.Training;
using PatchKit.Training.Loop;
using PatchKit.Training.Recipes;
using PatchKit.Training.Runs;
using PatchKit.Training.Tasks;
using Xunit;
using static TorchSharp.torch;
using Expect = PatchKit.Tests.Torch.Expect;

namespace PatchKit.Tests.Training.Runs;

/// <summary>
/// What a run that starts from another, or that is gone on with, does not take as it was is said.
/// https://github.com/huggingface/pytorch-image-models/issues/948 and
/// https://github.com/huggingface/pytorch-image-models/issues/433 (heads for another number of classes).
/// </summary>
public sealed class StartedRunTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("patchkit-public-").FullName;
    private readonly RunStore _store;
    private readonly List<string> _said = [];

    public StartedRunTests() => _store = new RunStore(Path.Combine(_folder, "runs"));

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact, Trait("speed", "seconds")]
    public void AHeadForOtherClassesIsSaidToBeNew()
    {
        var start = Weights(classes: 16, patch: 8);
        Train(On("set", classes: 2) with { StartsFrom = start });
        Assert.Contains($"run {start.Key} scores 16 classes and this one 2, so its head is new", _said);
        _said.Clear();
        Train(On("set", classes: 2) with { StartsFrom = Weights(classes: 2, patch: 8), Seed = 1 });
        Assert.DoesNotContain(_said, line => line.Contains("head"));
    }

    /// <summary>
    /// The weights that training begins with, by the command's option and by the library's own resize.
    /// </summary>
    [Fact]
    public void APatchSizeIsTransferredToANewRun()
    {
        using var scope = NewDisposeScope();
        var start = Weights(classes: 2, patch: 8);
        var config = On("set", classes: 2) with { StartsFrom = start, TransferPatch = true };
        config = config with { Model = config.Model with { PatchSize = 4 } };
        Assert.NotEqual(config.Key, (config with { TransferPatch = false }).Key);
        using var task = new ClassificationTask().Begin(config, config.Data.Open(config.Recipe, 0, CPU));
        var said = task.StartFrom(_store, start, new CheckpointLoading { TransferPatchSize = true });
        var weight = Safetensors.Read(Path.Combine(_store.FolderOf(start), RunStore.WeightsFile))[
            "patch_embed.proj.weight"
        ];
        Expect.SameBits(PatchTransfer.Resize(weight, 4), task.Backbone.state_dict()["patch_embed.proj.weight"]);
        Assert.Contains(said, line => line.Contains("patch_embed.proj.weight") && line.Contains("pseudo-inverse"));
        Expect.Refused<CheckpointException>(() => Train(config with { TransferPatch = false }), "--transfer-patch");
    }

    [Fact, Trait("speed", "seconds")]
    public void WhatHappensToBadFilesIsRemembered()
    {
        var config = On("set", classes: 2, bad: true);
        Assert.Equal(config.Key, (config with { OnBadSample = BadSample.Skip }).Key);
        var result = Train(config, BadSample.Skip);
        Assert.Equal((BadSample.Skip, 1), (result.Config.OnBadSample, result.LeftOut));
        Assert.Equal(BadSample.Skip, _store.Get(config.Key).Config.OnBadSample);
        Assert.Contains(
            "onBadSample",
            CommandRun.Of(RunsCommand.Create(), "show", config.Key, "--out", _store.Folder).Output
        );
        Assert.Equal(1, Train(config).LeftOut); // as it was trained
        Expect.Refused<TrainingException>(
            () => Train(config, BadSample.Stop),
            "left out 1 file that could not be read",
            "stop was asked for"
        );
    }

    /// <summary>A run that was begun with skip goes on with it when the option is left out.</summary>
    [Fact, Trait("speed", "seconds")]
    public void AnInterruptedRunGoesOnAsItWasBegun()
    {
        var config = On("set", classes: 2, bad: true);
        using (var stop = new CancellationTokenSource())
            Assert.ThrowsAny<OperationCanceledException>(() =>
                _store.Train(
                    config,
                    new RunOptions
                    {
                        OnBadSample = BadSample.Skip,
                        Progress = at =>
                        {
                            if (at.Step >= 1)
                                stop.Cancel();
                        },
                    },
                    stop.Token
                )
            );
        Assert.Equal(RunStatus.Interrupted, _store.Get(config.Key).Status);
        Assert.Equal(BadSample.Skip, Train(config).Config.OnBadSample);
    }

    private RunResult Train(RunConfig config, BadSample? onBadSample = null) =>
        _store.Train(config, new RunOptions { Say = _said.Add, OnBadSample = onBadSample }, Stop);

    // A finished run, as far as others start from it.
    private RunConfig Weights(int classes, int patch)
    {
        var config = new RunConfig
        {
            Model = SmallNet.Vit(16, patch, classes),
            Recipe = RecipeBook.Find("smoke"),
            Data = new GeneratedDataConfig(),
            Seed = classes,
        };
        Directory.CreateDirectory(_store.FolderOf(config));
        using (var model = config.Model.Create())
            Safetensors.Write(
                Path.Combine(_store.FolderOf(config), RunStore.WeightsFile),
                model.state_dict(),
                overwrite: true
            );
        RunFile.WriteJson(Path.Combine(_store.FolderOf(config), "config.json"), config);
        var test = new PatchKit.Metrics.EvaluationResult(1, 1, 1, 1, 1);
        RunFile.WriteJson(
            Path.Combine(_store.FolderOf(config), "result.json"),
            new RunResult(config.Key, config, test, 1, 1, 1, 1, Machine.Here(CPU), "", DateTime.UtcNow)
        );
        return config;
    }

    private RunConfig On(string name, int classes, bool bad = false)
    {
        string folder = Path.Combine(_folder, name);
        foreach (string part in new[] { "train", "val" })
            for (int label = 0; label < classes; label++)
            {
                Directory.CreateDirectory(Path.Combine(folder, part, $"{label}"));
                for (int i = 0; i < 6; i++)
                {
                    using var image = new Image(16, 16);
                    new Random(label * 100 + i).NextBytes(image.Pixels);
                    File.WriteAllBytes(Path.Combine(folder, part, $"{label}", $"{i}.png"), ImageCodec.EncodePng(image));
                }
            }
        if (bad)
            File.WriteAllText(Path.Combine(folder, "train/0/bad.png"), "no image");
        return new RunConfig
        {
            Model = SmallNet.Vit(16, 8, classes),
            Recipe = RecipeBook.Find("smoke") with { Epochs = 2, EpochImages = 0, BatchSize = 4, WarmupEpochs = 1 },
            Data = ImageDataConfig.In(folder, 16),
        };
    }
}
