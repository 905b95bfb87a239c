using System.Text.Json;
using PatchKit.Cli;
using PatchKit.Data;
using PatchKit.Data.Images;
using PatchKit.Data.Sets;
using PatchKit.Metrics;
using PatchKit.Models;
using PatchKit.Models.Segmentation;
using PatchKit.Tests.Cli;
using PatchKit.Tests.Data.Segmentation;
using PatchKit.Tests.Torch;
using PatchKit.Training;
using PatchKit.Training.Recipes;
using PatchKit.Training.Runs;
using PatchKit.Training.Tasks;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Training.Tasks;

/// <summary>
/// Segmentations are runs like any other: cached, resumed to the bit, listed, started from a classification; and their
/// models write overlays.
/// </summary>
[Trait("speed", "seconds")]
public sealed class SegmentationRunTests : IDisposable
{
    private static readonly Recipe s_recipe = RecipeBook.Find("segment-smoke") with
    {
        Epochs = 2,
        EpochImages = 24,
        BatchSize = 8,
        WarmupEpochs = 1,
    };

    private static readonly RunConfig s_backbone = new()
    {
        Model = SmallNet.Vit(16, 8, 16),
        Recipe = RecipeBook.Find("smoke") with { Epochs = 1, EpochImages = 32, BatchSize = 16, WarmupEpochs = 0 },
        Data = new GeneratedDataConfig { TestImages = 50 },
        Seed = 3,
    };

    private static readonly RunConfig s_config = new()
    {
        Model = SmallNet.Vit(32, 8, 0),
        Recipe = s_recipe,
        Seed = 3,
        StartsFrom = s_backbone,
        Task = new SegmentationTask { Decoder = SegmentationConfig.UperNet(8) },
        Data = new GeneratedDataConfig
        {
            Options = MultiScaleBitsOptions.Segmentation,
            TestImages = 20,
            Annotations = Annotations.Dense,
        },
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("patchkit-segmentation-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private RunStore Store => new(_folder);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public void ARunIsCachedWithItsScoresAndStartsFromABackbone()
    {
        var result = Store.Train(s_config, cancellation: Stop);
        var scores = Assert.IsType<SegmentationResult>(result.Scores);
        Assert.NotNull(Store.Find(s_backbone));
        Assert.Equal((5, 20L * 32 * 32, 20L), (scores.Classes.Count, scores.Pixels, result.Test.Images));
        Assert.Equal(("background", $"mIoU {100 * scores.MIoU:0.0} %"), (scores.Classes[0], result.Headline));
        Assert.True(double.IsNaN(result.Test.Top1) && result.Test.Loss > 0);

        var known = Store.Find(s_config)!; // read again from the file
        Assert.Equal(
            (result.Date, scores.MIoU, s_config.Key),
            (known.Date, ((SegmentationResult)known.Scores!).MIoU, known.Config.Key)
        );
        Assert.Equal(scores.IoU, ((SegmentationResult)known.Scores!).IoU);
        var run = CommandRun.Of(RunsCommand.Create(), "show", s_config.Key, "--out", _folder);
        Assert.Contains("segmentation, UperNet", run.Output);
        Assert.Contains("aAcc, %", run.Output);

        using var model = SegmentationTask.Load(Store, s_config);
        var (test, again) = SegmentationEvaluation.Score(
            model,
            model.call,
            s_config.Data.Open(s_recipe, 3, CPU).Test(Stop),
            s_config.Data.ClassNames,
            CPU,
            Stop
        );
        Assert.Equal((result.Test.Loss, scores.MIoU), (test.Loss, again.MIoU));
        Assert.Throws<ArgumentException>(() => SegmentationTask.Load(Store, s_backbone));
    }

    [Fact]
    public void KeysTellTasksApart()
    {
        var keys = new HashSet<string> { s_config.Key };
        foreach (
            var other in new[]
            {
                s_config with
                {
                    Task = null,
                },
                s_config with
                {
                    Task = new SegmentationTask(),
                },
                s_config with
                {
                    Task = new SegmentationTask { Decoder = SegmentationConfig.UperNet(16) },
                },
                s_config with
                {
                    Task = new SegmentationTask { Decoder = SegmentationConfig.UperNet(8) with { Auxiliary = true } },
                },
                s_config with
                {
                    Task = new SegmentationTask { Decoder = SegmentationConfig.UperNet(8), Window = new(16, 8) },
                },
                s_config with
                {
                    Data = new GeneratedDataConfig { Options = MultiScaleBitsOptions.Segmentation, TestImages = 20 },
                },
                s_config with
                {
                    StartsFrom = null,
                },
            }
        )
            Assert.True(keys.Add(other.Key), $"{other}");
        var read = JsonSerializer.Deserialize<RunConfig>(
            JsonSerializer.Serialize(
                s_config with
                {
                    Task = new SegmentationTask { Window = new(16, 8) },
                },
                RunConfig.Json
            ),
            RunConfig.Json
        )!;
        Assert.Equal((new SegmentationTask { Window = new(16, 8) }, 0), (read.Task, read.Model.Classes));
    }

    [Fact]
    public void AStoppedRunEndsOnTheSameBits()
    {
        Store.Train(s_config, cancellation: Stop);
        var elsewhere = new RunStore(Path.Combine(_folder, "elsewhere"));
        for (int at = 1; at <= 5; at += 2)
        {
            using var stop = new CancellationTokenSource();
            int told = at;
            Assert.Throws<OperationCanceledException>(() =>
                elsewhere.Train(
                    s_config,
                    new RunOptions
                    {
                        SaveSteps = 1,
                        Progress = progress =>
                        {
                            if (
                                progress.Steps == s_config.Steps && progress.Step >= told
                                || elsewhere.Find(s_backbone) is not null
                            )
                                stop.Cancel();
                        },
                    },
                    stop.Token
                )
            );
        }
        elsewhere.Train(s_config, cancellation: Stop);
        foreach (string file in new[] { "model.safetensors", "metrics.jsonl" })
            Assert.Equal(
                File.ReadAllBytes(Path.Combine(Store.FolderOf(s_config), file)),
                File.ReadAllBytes(Path.Combine(elsewhere.FolderOf(s_config), file))
            );
    }

    [Fact]
    public void ABackboneOfAnotherPatchSizeIsRefused() =>
        Expect.Refused<PatchKit.Checkpoints.CheckpointException>(
            () => Store.Train(s_config with { Model = SmallNet.Vit(32, 4, 0) }, cancellation: Stop),
            "patch_embed.proj.weight",
            "patch size"
        );

    [Fact]
    public void ScenesInFilesAreLearntFromAndBadOnesCounted()
    {
        string images = Scenes.Write(Path.Combine(_folder, "scenes"), severalSizes: true);
        File.Delete(Scenes.Mask(images, "training", 2));
        File.Delete(Scenes.Mask(images, "validation", 1));
        var data = SegmentationDataConfig.In(images, (16, 24));
        var config = s_config with
        {
            Data = data,
            Task = new SegmentationTask { Window = new(16, 8) },
            Model = SmallNet.Vit(32, 8, 0) with { Height = 16, Width = 24 },
        };
        Expect.Refused<ImageException>(
            () => Store.Train(config, cancellation: Stop),
            "002.png",
            "--on-bad-sample skip"
        );
        var result = Store.Train(config, new RunOptions { OnBadSample = BadSample.Skip }, Stop);
        Assert.Equal((2, 4L), (result.LeftOut, result.Test.Images));
        Assert.Equal(Scenes.Classes, ((SegmentationResult)result.Scores!).Classes);
        Assert.Equal(
            config.Key,
            (config with { Data = data with { Folder = "elsewhere", OnBadSample = BadSample.Skip } }).Key
        );
    }

    [Fact]
    public void PredictWritesOverlays()
    {
        Store.Train(s_config, cancellation: Stop);
        var (image, _) = Scenes.Coordinates(50, 37);
        string path = Path.Combine(_folder, "photo.png"),
            bad = Path.Combine(_folder, "bad.png"),
            overlays = Path.Combine(_folder, "overlays");
        using (image)
            File.WriteAllBytes(path, ImageCodec.EncodePng(image));
        File.WriteAllText(bad, "no image");
        string[] where = ["--task", "segmentation", "--runs", _folder, "--out", overlays];
        var run = CommandRun.Of(PredictCommand.Create(), [path, .. where]);
        Assert.Equal(0, run.Code);
        Assert.Contains($"{s_config.Key}: {s_config}; mIoU", run.Errors);
        string file = Path.Combine(overlays, "photo-segmentation.png");
        Assert.StartsWith($"{path} -> {file}", run.Output);
        using (var overlay = ImageCodec.Read(file))
            Assert.Equal((50, 37), (overlay.Width, overlay.Height));

        var both = CommandRun.Of(PredictCommand.Create(), [bad, path, .. where, "--json", "--run", s_config.Key[..6]]);
        Assert.Equal(1, both.Code);
        var found = JsonDocument.Parse(both.Output).RootElement;
        Assert.StartsWith(bad, found[0].GetProperty("error").GetString());
        Assert.Equal(1, found[1].GetProperty("classes").EnumerateObject().Sum(share => share.Value.GetDouble()), 1e-9);
        Expect.Refused<ArgumentException>(
            () => CommandRun.Of(PredictCommand.Create(), [path, .. where, "--run", s_backbone.Key]),
            "segments nothing"
        );
        Expect.Refused<ArgumentException>(
            () => CommandRun.Of(PredictCommand.Create(), [path, "--task", "segmentation", "--runs", overlays]),
            "patchkit run table2"
        );
        Expect.Refused<ArgumentException>(
            () => CommandRun.Of(PredictCommand.Create(), path),
            "--model",
            "--checkpoint"
        );
    }

    [Fact]
    public void TrainTakesARecipeOfSegmentation()
    {
        string[] small =
        [
            "--recipe",
            "segment-smoke",
            "--patch",
            "8",
            "--decoder",
            "upernet",
            "--channels",
            "8",
            "--set",
            "epochs=1",
            "epochImages=16",
            "batchSize=8",
            "warmupEpochs=0",
            "--out",
            _folder,
        ];
        var run = CommandRun.Of(TrainCommand.Create(), small);
        Assert.Equal((0, true), (run.Code, run.Output.Contains("segmentation, UperNet")));
        Assert.Contains("mIoU", run.Output);
        Expect.Refused<ArgumentException>(
            () => CommandRun.Of(TrainCommand.Create(), "--recipe", "ade20k", "--out", _folder),
            "--data",
            "segment-teach"
        );
    }
}
