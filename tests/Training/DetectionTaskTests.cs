using System.Text.Json;
using PatchKit.Data;
using PatchKit.Data.Sets;
using PatchKit.Metrics;
using PatchKit.Models.Detection;
using PatchKit.Tests.Data.Coco;
using PatchKit.Tests.Models.Detection;
using PatchKit.Training;
using PatchKit.Training.Recipes;
using PatchKit.Training.Runs;
using PatchKit.Training.Tasks;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Training;

/// <summary>Detection as a run: cached, resumed to the bit, started from a run of pixels, read again.</summary>
public sealed class DetectionTaskTests : IDisposable
{
    private static readonly Recipe s_short = DetectionRecipes.Smoke with
    {
        Epochs = 2,
        EpochImages = 12,
        BatchSize = 4,
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("patchkit-detection-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static RunConfig Run(DetectionPhase phase = DetectionPhase.Objects) =>
        new()
        {
            Model = SmallDetector.Backbone(),
            Recipe = s_short,
            Seed = 2,
            Task = new DetectionTask(SmallDetector.Config, phase),
            Data = new GeneratedDataConfig
            {
                Options = MultiScaleBitsOptions.Detection,
                TestImages = 6,
                Annotations = Annotations.Objects,
            },
        };

    [Fact]
    public void ARunStartsFromPixelsAndIsReadAgain()
    {
        var store = new RunStore(_folder);
        var config = Run() with { StartsFrom = Run(DetectionPhase.Pixels) };
        var result = store.Train(config, cancellation: TestContext.Current.CancellationToken);
        var scores = Assert.IsType<DetectionResult>(result.Scores);
        Assert.Equal(
            result.Test.Loss,
            scores.Objectness + scores.Proposals + scores.Class + scores.BoxLoss + scores.MaskLoss,
            1e-5
        );
        Assert.InRange(scores.Box.Ap, 0, 1);
        Assert.Equal(-1, scores.Box.Small); // counted as in an image of 480 pixels
        Assert.NotNull(store.Find(config.StartsFrom!));
        Assert.Equal(
            JsonSerializer.Serialize(result, RunConfig.Json),
            JsonSerializer.Serialize(store.Find(config), RunConfig.Json)
        );
        Assert.Equal(
            config.Key,
            JsonSerializer.Deserialize<RunConfig>(JsonSerializer.Serialize(config, RunConfig.Json), RunConfig.Json)!.Key
        );
        Assert.Contains("detection", $"{config}");
        Assert.Contains("box AP", result.Headline);
        Assert.NotEqual(
            config.Key,
            (config with { Task = new DetectionTask(SmallDetector.Config with { Beta = 0 }) }).Key
        );

        using var detector = SmallDetector.Create(seed: 9);
        DetectorWeights.Load(detector, Path.Combine(store.FolderOf(config), RunStore.WeightsFile));
        using var other = SmallDetector.Create(config: SmallDetector.Config with { BoxDim = 24 });
        Assert.Contains(
            "stages.0",
            Assert
                .Throws<PatchKit.Checkpoints.CheckpointException>(() =>
                    DetectorWeights.Load(other, Path.Combine(store.FolderOf(config), RunStore.WeightsFile))
                )
                .Message
        );
    }

    [Fact]
    public void ARunThatWasStoppedEndsOnTheSameBits()
    {
        var (whole, parted) = (
            new RunStore(Path.Combine(_folder, "whole")),
            new RunStore(Path.Combine(_folder, "parted"))
        );
        whole.Train(Run(), cancellation: TestContext.Current.CancellationToken);
        for (int stopped = 0; stopped < 4; stopped++)
        {
            // the first step after a start is always told of
            using var stop = new CancellationTokenSource();
            Assert.Throws<OperationCanceledException>(() =>
                parted.Train(Run(), new RunOptions { CheckpointSteps = 1, Progress = _ => stop.Cancel() }, stop.Token)
            );
        }
        parted.Train(Run(), cancellation: TestContext.Current.CancellationToken);
        foreach (string file in new[] { RunStore.WeightsFile, "metrics.jsonl" })
            Assert.Equal(
                File.ReadAllBytes(Path.Combine(whole.FolderOf(Run()), file)),
                File.ReadAllBytes(Path.Combine(parted.FolderOf(Run()), file))
            );
        Assert.Equal(whole.Find(Run())!.Scores, parted.Find(Run())!.Scores);
    }

    [Fact]
    public void WhoFindsAllHasAPrecisionOfOne()
    {
        using var scope = NewDisposeScope();
        var precision = new DetectionPrecision();
        using var batch = SmallDetector.Images(5);
        foreach (var objects in batch.Objects!)
        {
            int count = (int)objects.Classes.shape[0];
            precision.Add(
                new Detections(objects.Boxes, ones(count), objects.Classes, ones([count, 4, 4], float32)),
                objects
            );
        }
        var (box, mask, _) = precision.Scores();
        Assert.Equal((1, 1, 1, -1), (box.Ap, box.Ap50, box.Recall, box.Small));
        Assert.InRange(mask.Ap, .01, .99); // an ellipse is not its box

        var nothing = new DetectionPrecision();
        foreach (var objects in batch.Objects!)
            nothing.Add(
                new Detections(
                    zeros([0, 4], float32),
                    zeros([0], float32),
                    zeros([0], ScalarType.Int64),
                    zeros([0, 4, 4], float32)
                ),
                objects
            );
        Assert.Equal(0, nothing.Scores().Box.Ap);
    }

    /// <summary>
    /// Wide and tall images of many sizes, crowds, ids with holes; scored by the file, in the images' own pixels.
    /// </summary>
    [Fact]
    public void AFolderInCocosFormatTrainsAndIsScored()
    {
        using var files = WithValidation();
        var data = CocoDataConfig.In(files.Set) with { Short = 32, Longest = 48, Multiple = 16 };
        Assert.Equal([4, 90], data.Categories.Select(category => category.Id));
        Assert.Equal(["early", "late"], data.ClassNames);
        var config = Run() with
        {
            Model = SmallDetector.Backbone(),
            Recipe = s_short with { EpochImages = 0, BatchSize = 2 },
            Data = data,
        };
        var (wide, tall) = data.TrainingImages;
        // a batch is of one kind
        Assert.Equal(2 * (wide / 2 + tall / 2), data.EpochImages(config.Recipe));
        var result = new RunStore(_folder).Train(config, cancellation: TestContext.Current.CancellationToken);
        // those without objects among them
        Assert.Equal(8, result.Test.Images);
        Assert.InRange(Assert.IsType<DetectionResult>(result.Scores).Box.Ap, 0, 1);
        Assert.Equal(config.Key, (config with { Data = data with { Folder = "elsewhere" } }).Key);

        using var opened = (CocoData)data.Open(config.Recipe, 1, CPU);
        var precision = new DetectionPrecision(opened.TestSet);
        using var scope = NewDisposeScope();
        foreach (var batch in opened.Test(TestContext.Current.CancellationToken))
        {
            foreach (var (source, objects) in batch.Sources!.Zip(batch.Objects!))
                precision.Add(
                    new Detections(
                        objects.Boxes,
                        ones(objects.Classes.shape[0]),
                        objects.Classes,
                        ones([objects.Classes.shape[0], 4, 4], float32)
                    ),
                    source
                );
            batch.Dispose();
        }
        // sizes are rounded on the way there and back
        Assert.InRange(precision.Scores().Box.Ap, .9, 1);
    }

    [Fact]
    public void ImagesThatCannotBeReadStopARunOrAreLeftOutAndCounted()
    {
        using var files = WithValidation();
        string training = Directory
            .EnumerateFiles(Path.Combine(files.Set, "images/training"))
            .Order(StringComparer.Ordinal)
            .First();
        string validation = Path.Combine(files.Set, "images/validation", Path.GetFileName(training));
        foreach (string file in new[] { training, validation })
            File.WriteAllBytes(file, File.ReadAllBytes(file)[..40]);
        var data = CocoDataConfig.In(files.Set) with { Short = 32, Longest = 48, Multiple = 16 };
        var config = Run() with
        {
            Model = SmallDetector.Backbone(),
            Recipe = s_short with { EpochImages = 0, BatchSize = 2 },
            Data = data,
        };

        var store = new RunStore(_folder);
        string stopped = Assert
            .ThrowsAny<Exception>(() => store.Train(config, cancellation: TestContext.Current.CancellationToken))
            .Message;
        Assert.Contains(training, stopped);
        Assert.Contains("--on-bad-sample skip", stopped);
        var result = store.Train(
            config,
            new RunOptions { OnBadSample = BadSample.Skip },
            TestContext.Current.CancellationToken
        );
        Assert.Equal(2, result.LeftOut);
        Assert.Equal(7, result.Test.Images);
        Assert.InRange(Assert.IsType<DetectionResult>(result.Scores).Box.Ap, 0, 1);
    }

    // A set whose validation images are its training images.
    private static CocoFolder WithValidation()
    {
        var files = new CocoFolder(camVid: true);
        string Below(string name) => Path.Combine(files.Set, name);
        File.Copy(Below("instances_training.json"), Below("instances_validation.json"));
        Directory.CreateDirectory(Below("images/validation"));
        foreach (string image in Directory.EnumerateFiles(Below("images/training")))
            File.Copy(image, Below($"images/validation/{Path.GetFileName(image)}"));
        return files;
    }

    [Fact]
    public void WhatDoesNotGoTogetherIsRefused()
    {
        var store = new RunStore(_folder);
        string classes = Assert
            .Throws<ArgumentException>(() =>
                store.Train(
                    Run() with
                    {
                        Model = SmallDetector.Backbone() with { Classes = 4 },
                    },
                    cancellation: TestContext.Current.CancellationToken
                )
            )
            .Message;
        Assert.Contains("Classes = 0", classes);
        string objects = Assert
            .Throws<ArgumentException>(() =>
                store.Train(
                    Run() with
                    {
                        Data = new GeneratedDataConfig { Options = MultiScaleBitsOptions.Detection },
                    },
                    cancellation: TestContext.Current.CancellationToken
                )
            )
            .Message;
        Assert.Contains("Annotations.Objects", objects);
    }
}
