using PatchKit.Data;
using PatchKit.Data.Sets;
using PatchKit.Models;
using PatchKit.Tests.Torch;
using PatchKit.Training;
using PatchKit.Training.Loop;
using PatchKit.Training.Recipes;
using PatchKit.Training.Runs;
using Xunit;

namespace PatchKit.Tests.Training.Runs;

/// <summary>
/// The cache of runs: what a key is, what is trained again and what not, and files that are damaged, held or left
/// behind.
/// </summary>
[Trait("speed", "seconds")]
public sealed class RunStoreTests : IDisposable
{
    private static readonly RunConfig s_config = new()
    {
        Model = SmallNet.Vit(16, 8, 16),
        Recipe = SmallRun.Plain with { Epochs = 1, EpochImages = 64, WarmupEpochs = 0 },
        Data = new GeneratedDataConfig { TestImages = 50 },
        Seed = 3,
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("patchkit-runs-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private RunStore Store => new(_folder);

    private string Own => Store.FolderOf(s_config);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public void AFinishedRunIsNotTrainedTwice()
    {
        var told = new List<long>();
        var first = Store.Train(s_config, new RunOptions { Progress = at => told.Add(at.Step) }, Stop);
        Assert.Equal(s_config.Steps, told[^1]);
        Assert.Equal(["config.json", "lock", "metrics.jsonl", "model.safetensors", "result.json"], Names(Own));
        var times = Times();
        told.Clear();
        var second = Store.Train(s_config, new RunOptions { Progress = at => told.Add(at.Step) }, Stop);
        Assert.Empty(told);
        Assert.Equal(times, Times());
        Assert.Equal(
            (first.Key, first.Test.Loss, first.TrainingLoss, first.Date),
            (second.Key, second.Test.Loss, second.TrainingLoss, second.Date)
        );
        // lists compare by identity
        Assert.Equal(s_config with { }, second.Config with { Recipe = s_config.Recipe });

        SortedDictionary<string, DateTime> Times() =>
            new(Directory.EnumerateFiles(Own).ToDictionary(path => path, File.GetLastWriteTimeUtc));
    }

    [Fact]
    public void AKeyIsOfAllThatChangesNumbers()
    {
        var keys = new HashSet<string> { s_config.Key };
        foreach (string name in RecipeOverrides.Names)
        {
            object? now = RecipeOverrides.Settings(s_config.Recipe)[name];
            string other = now switch
            {
                bool on => on ? "off" : "on",
                int whole => $"{whole + 1}",
                double real => real > 0 ? FormattableString.Invariant($"{real / 2}") : "0.25",
                ScheduleStyle => "Official",
                _ => "rand-m9-mstd0.5-inc1",
            };
            var changed =
                name == "warmupEpochs"
                    ? s_config.Recipe with
                    {
                        WarmupEpochs = 1,
                    }
                    : RecipeOverrides.Apply(s_config.Recipe, [$"{name}={other}"]);
            Assert.True(keys.Add((s_config with { Recipe = changed }).Key), name);
        }
        var images = new ImageDataConfig
        {
            Folder = "here",
            Name = "CIFAR-10",
            Fingerprint = "01",
            ClassCount = 10,
            TrainingImages = 100,
            Size = 16,
        };
        foreach (
            var other in new[]
            {
                s_config with
                {
                    Seed = 4,
                },
                s_config with
                {
                    Model = s_config.Model with { PatchSize = 4 },
                },
                s_config with
                {
                    Model = s_config.Model with { TokenPatchSize = 4 },
                },
                s_config with
                {
                    Model = SmallNet.Adventurer(16, 8, 16),
                },
                s_config with
                {
                    Data = new GeneratedDataConfig { TestImages = 51 },
                },
                s_config with
                {
                    Data = new GeneratedDataConfig { TestImages = 50, NativeSize = 32 },
                },
                s_config with
                {
                    Data = new GeneratedDataConfig
                    {
                        TestImages = 50,
                        Options = new() { Scales = DetailScales.Shape },
                    },
                },
                s_config with
                {
                    Data = new GeneratedDataConfig
                    {
                        TestImages = 50,
                        Options = new() { Speck = (.1, .6) },
                    },
                },
                s_config with
                {
                    StartsFrom = s_config,
                },
                s_config with
                {
                    StartsFrom = s_config with { Seed = 9 },
                },
                s_config with
                {
                    Data = images,
                },
                s_config with
                {
                    Data = images with { Fingerprint = "02" },
                },
                s_config with
                {
                    Data = images with { Size = 32 },
                },
                s_config with
                {
                    Data = images with { CropRatio = .875 },
                },
            }
        )
            Assert.True(keys.Add(other.Key), $"{other}");
        Assert.All(keys, key => Assert.Matches("^[0-9a-f]{16}$", key));

        Assert.Equal(
            (s_config with { Data = images }).Key,
            (s_config with { Data = images with { Folder = "elsewhere", OnBadSample = BadSample.Skip } }).Key
        );
        var described = s_config.Recipe with
        {
            Name = "mine",
            Reproduces = "x",
            Models = [],
            Cost = "x",
            Expected = "x",
            Note = "x",
            StartsFrom = "deit",
        };
        Assert.Equal(s_config.Key, (s_config with { Recipe = described }).Key);
    }

    [Fact]
    public void ARunIsListedAsFarAsItCame()
    {
        Assert.Empty(Store.List());
        Expect.Refused<ArgumentException>(() => Store.Get("0"), "no run", "patchkit runs");
        Expect.Refused<ArgumentException>(
            () => Store.Train(s_config, new RunOptions { Accumulation = 3 }, Stop),
            "3 equal parts"
        );
        Assert.Equal(RunStatus.Begun, Store.List().Single().Status);
        Assert.Empty(Store.Curve(s_config.Key));

        Interrupt(s_config);
        Assert.Null(Store.Find(s_config));
        Assert.Equal(RunStatus.Interrupted, Store.List().Single().Status);
        Assert.Equal([1L], Store.Curve(s_config.Key).Select(point => point.Step));
        File.AppendAllText(Path.Combine(Own, "metrics.jsonl"), "{\"step\":2,"); // as another process sees it
        Assert.Single(Store.Curve(s_config.Key));

        var result = Store.Train(s_config, cancellation: Stop);
        var run = Store.List().Single();
        Assert.Equal(
            (RunStatus.Finished, s_config.Key, result.Test.Loss),
            (run.Status, run.Key, run.Result!.Test.Loss)
        );
        Assert.Equal(Directory.EnumerateFiles(Own).Sum(path => new FileInfo(path).Length), run.Bytes);
        Assert.Equal(s_config.Steps, Store.Curve(run.Key)[^1].Step);
        Assert.Equal(run.Key, Store.Get(run.Key[..4]).Key);

        var other = s_config with { Seed = 4 };
        Interrupt(other);
        Assert.Equal(
            [other.Key, s_config.Key],
            Store.List().Select(one => one.Key).OrderBy(key => key == s_config.Key)
        );
        Expect.Refused<ArgumentException>(() => Store.Get(""), "2 runs", "give more of it");
        Store.Delete(Store.Get(other.Key));
        Assert.Equal([s_config.Key], Names(_folder));
    }

    [Theory, InlineData(false), InlineData(true)]
    public void AStoppedRunEndsOnTheSameWeights(bool afterTheLastStep)
    {
        Store.Train(s_config, cancellation: Stop);
        var elsewhere = new RunStore(Path.Combine(_folder, "elsewhere"));
        Interrupt(s_config, elsewhere, afterTheLastStep);
        Assert.Null(elsewhere.Find(s_config));
        elsewhere.Train(s_config, cancellation: Stop);
        foreach (string file in new[] { "model.safetensors", "metrics.jsonl" })
            Assert.Equal(
                File.ReadAllBytes(Path.Combine(Own, file)),
                File.ReadAllBytes(Path.Combine(elsewhere.FolderOf(s_config), file))
            );
    }

    [Fact]
    public void ARunThatIsHeldIsLeftAlone()
    {
        Interrupt(s_config);
        using (new FileStream(Path.Combine(Own, "lock"), FileMode.Open, FileAccess.Write, FileShare.None))
        {
            Expect.Refused<TrainingException>(
                () => Store.Train(s_config, cancellation: Stop),
                "another process",
                Own,
                "--out"
            );
            Expect.Refused<TrainingException>(() => Store.Delete(Store.Get(s_config.Key)), "another process");
            Assert.Equal(RunStatus.Interrupted, Store.List().Single().Status);
        }
        Store.Train(s_config, cancellation: Stop);
    }

    [Fact]
    public void ItIsHeldWhileItTrains()
    {
        string? sentence = null;
        Store.Train(
            s_config,
            new RunOptions
            {
                Progress = _ =>
                    sentence ??= Expect.Refused<TrainingException>(() => Store.Train(s_config, cancellation: Stop)),
            },
            Stop
        );
        Assert.Contains("another process", sentence);
    }

    [Theory]
    [InlineData("result.json", "{ \"key\": ", 1)]
    [InlineData("result.json", "", 1)]
    [InlineData("result.json", "null", 1)]
    [InlineData("result.json", "{}", 1)]
    [InlineData("result.json", "{ \"key\": \"0\", \"config\": null, \"test\": null }", 1)]
    [InlineData("config.json", "\0\0\0\0", 0)]
    [InlineData("config.json", "[]", 0)]
    [InlineData("config.json", "{ \"model\": { \"$type\": \"cnn\" } }", 0)]
    public void ADamagedFileIsAsGoodAsNone(string file, string text, int listed)
    {
        var result = Store.Train(s_config, cancellation: Stop);
        File.WriteAllText(Path.Combine(Own, file), text);
        Directory.CreateDirectory(Path.Combine(_folder, "reports"));
        Assert.Equal(listed, Store.List().Count);
        if (listed > 0)
            Assert.NotEqual(RunStatus.Finished, Store.List().Single().Status);
        Assert.Equal(result.Test.Loss, Store.Train(s_config, cancellation: Stop).Test.Loss);
    }

    [Fact]
    public void WhatAKilledProcessLeftIsCleared()
    {
        Interrupt(s_config);
        File.WriteAllText(Path.Combine(Own, "checkpoint.safetensors.0123.partial"), "half");
        Store.Train(s_config, cancellation: Stop);
        Assert.DoesNotContain(Names(Own), name => name!.EndsWith(".partial", StringComparison.Ordinal));
    }

    [Fact]
    public void ACheckpointThatIsCutShortIsNamed()
    {
        Interrupt(s_config);
        string checkpoint = SmallRun.CheckpointIn(Own);
        byte[] whole = File.ReadAllBytes(checkpoint);
        File.WriteAllBytes(checkpoint, whole[..^100]);
        Expect.Refused<TrainingException>(
            () => Store.Train(s_config, cancellation: Stop),
            checkpoint,
            "cut short",
            "patchkit runs delete"
        );
        File.WriteAllBytes(checkpoint, whole);
        Store.Train(s_config, cancellation: Stop);
    }

    [Fact]
    public void ImagesThatCannotBeReadAreCounted()
    {
        string images = SmallImages.Folders(Path.Combine(_folder, "images"));
        File.WriteAllText(Path.Combine(images, "train", "class-1", "bad.png"), "no image");
        var config = s_config with
        {
            Data = ImageDataConfig.In(images, 16),
            Model = SmallNet.Vit(16, 8, 4),
            Recipe = s_config.Recipe with { EpochImages = 0, BatchSize = 13 },
        };
        Expect.Refused<IOException>(() => Store.Train(config, cancellation: Stop), "bad.png", "--on-bad-sample skip");
        Assert.Equal(1, Store.Train(config, new RunOptions { OnBadSample = BadSample.Skip }, Stop).LeftOut);
    }

    [Fact]
    public void ImagesThatWereChangedAreRefused()
    {
        string images = SmallImages.Folders(Path.Combine(_folder, "images"));
        var config = s_config with
        {
            Data = ImageDataConfig.In(images, 16),
            Model = SmallNet.Vit(16, 8, 4),
            Recipe = s_config.Recipe with { EpochImages = 0 },
        };
        File.Delete(Path.Combine(images, "train", "class-1", "001.png"));
        Expect.Refused<ArgumentException>(
            () => Store.Train(config, cancellation: Stop),
            images,
            "fingerprint",
            "begin another run"
        );
    }

    // Progress is told of the first step and of the last one.
    private void Interrupt(RunConfig config, RunStore? store = null, bool afterTheLastStep = false)
    {
        using var stop = new CancellationTokenSource();
        void Press(TrainingProgress at)
        {
            if (!afterTheLastStep || at.Step == at.Steps)
                stop.Cancel();
        }
        Assert.Throws<OperationCanceledException>(() =>
            (store ?? Store).Train(config, new RunOptions { Progress = Press }, stop.Token)
        );
    }

    private static IEnumerable<string?> Names(string folder) =>
        Directory.EnumerateFileSystemEntries(folder).Select(Path.GetFileName).Order();
}
