using System.Text.Json;
using PatchKit.Checkpoints;
using PatchKit.Tests.Torch;
using PatchKit.Torch;
using PatchKit.Training;
using PatchKit.Training.Loop;
using PatchKit.Training.Recipes;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Training.Loop;

/// <summary>What training does: seeds, schedule, clipping, accumulation, average, and what is not a number.</summary>
[Trait("speed", "seconds")]
public sealed class TrainerTests : IDisposable
{
    private static readonly SmallRun s_run = new(SmallRun.Plain, SmallRun.Generated);
    private readonly string _folder = Directory.CreateTempSubdirectory("patchkit-train-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory, InlineData(false), InlineData(true)]
    public void TheSameSeedGivesTheSameBits(bool adventurer)
    {
        var run = new SmallRun(SmallRun.Full, SmallRun.Generated, adventurer);
        foreach (string name in new[] { "one", "again" })
            run.Train(In(name));
        (run with { Seed = 4 }).Train(In("other"));
        Assert.Equal(SmallRun.Left(In("one")), SmallRun.Left(In("again")));
        Assert.NotEqual(SmallRun.Metrics(In("one")), SmallRun.Metrics(In("other")));
    }

    [Fact]
    public void EachStepHasItsLine()
    {
        s_run.Train(In("run"));
        Assert.Equal(Enumerable.Range(1, 24).Select(step => (double)step), Column("run", "step"));
        Assert.Equal(Enumerable.Range(0, 24).Select(step => (double)(step / 8)), Column("run", "epoch"));
        Assert.All(Column("run", "loss"), loss => Assert.InRange(loss, 1, 6));
    }

    [Theory]
    [InlineData(ScheduleStyle.PerStep)]
    [InlineData(ScheduleStyle.Official)]
    public void TheLearningRateIsTheSchedules(ScheduleStyle style)
    {
        var recipe = SmallRun.Plain with { Schedule = style };
        (s_run with { Recipe = recipe }).Train(In("run"));
        Assert.Equal(
            Enumerable.Range(0, 24).Select(step => recipe.LearningRates.Rate(step / 8, step % 8, 8)),
            Column("run", "learningRate")
        );
    }

    [Theory, InlineData(0), InlineData(.8)]
    public void ABatchInPartsGivesTheSameLosses(double mixing)
    {
        var run = s_run with { Recipe = SmallRun.Plain with { Mixup = mixing, CutMix = mixing, LabelSmoothing = .1 } };
        foreach (int parts in new[] { 1, 2, 4 })
            run.Train(In($"{parts}"), options: options => options with { Accumulation = parts });
        foreach (string parts in new[] { "2", "4" })
            Assert.All(
                Column("1", "loss").Zip(Column(parts, "loss")),
                losses => Assert.Equal(losses.First, losses.Second, 1e-5 * losses.First)
            );
    }

    [Fact]
    public void TheGradientIsClipped()
    {
        var once = s_run with
        {
            Recipe = SmallRun.Plain with { Epochs = 1, EpochImages = 16, WarmupEpochs = 0, ClipNorm = .01 },
        };
        once.Train(In("run"));
        using var scope = NewDisposeScope();
        double squares = Saved("run")
            .Where(entry => entry.Key.EndsWith(".exp_avg", StringComparison.Ordinal))
            .Sum(entry => entry.Value.square().sum().item<float>());
        Assert.InRange(Column("run", "gradientNorm").Single(), .1, 100); // as it was
        // as it was used: exp_avg is (1 - beta1) g after one step
        Assert.Equal(.01, Math.Sqrt(squares) / (1 - once.Recipe.Beta1), 1e-6);
    }

    [Fact]
    public void TheAverageIsKeptInTheCheckpoint()
    {
        var once = s_run with
        {
            Recipe = SmallRun.Plain with { Epochs = 1, EpochImages = 16, WarmupEpochs = 0, EmaDecay = .75 },
        };
        once.Train(In("run"));
        using var scope = NewDisposeScope();
        manual_seed(once.Seed).Dispose();
        using var start = once.Model(16).Create();
        var saved = Saved("run");
        foreach (var (name, value) in start.state_dict())
            Assert.True(
                (value * .75 + saved[$"model.{name}"] * .25).allclose(saved[$"average.{name}"], 1e-5, 1e-6),
                name
            );
    }

    [Fact]
    public void NoTensorIsLeft()
    {
        // whatever is made once for all
        s_run.Train(In("first"));
        long before = Count();
        (s_run with { Recipe = SmallRun.Full }).Train(In("second"));
        Assert.InRange(Count(), 0, before);

        static long Count()
        {
            for (int i = 0; i < 2; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
            return Engine.LiveTensors;
        }
    }

    [Theory]
    [InlineData(16, 1, "an epoch has 8 images", "batchSize")]
    [InlineData(128, 3, "a batch of 16 does not split into 3 equal parts")]
    public void WhatDoesNotGoTogetherIsRefused(int images, int parts, params string[] words)
    {
        var run = s_run with { Recipe = SmallRun.Plain with { EpochImages = images } };
        Expect.Refused<ArgumentException>(
            () =>
                run.Train(
                    In("run"),
                    options: options => options with { Accumulation = parts },
                    through: data => images == 16 ? new ShortData(data) : data
                ),
            words
        );
    }

    [Fact]
    public void AnOddBatchIsNotMixed() =>
        Expect.Refused<ArgumentException>(
            () => (s_run with { Recipe = SmallRun.Full with { BatchSize = 15 } }).Train(In("run")),
            "batchSize is 15",
            "mixup=0"
        );

    [Fact]
    public void ALearningRateThatIsTooHighIsNamed()
    {
        Stopped(after: 5);
        byte[] before = File.ReadAllBytes(SmallRun.CheckpointIn(In("run")));
        var wild = s_run with { Recipe = SmallRun.Plain with { BaseLearningRate = 1e30, ClipNorm = 0 } };
        string sentence = Expect.Refused<TrainingException>(
            () => wild.Train(In("run")),
            "epoch 0, batch seed 3/",
            "E+29): ",
            "Lower baseLearningRate",
            $"The last checkpoint, in {In("run")}, is from before."
        );
        Assert.Matches("^the (loss is (NaN|Infinity|∞)|gradient's norm is (NaN|Infinity|∞)) at step [67] ", sentence);
        Assert.Matches(
            "stops being finite at (the patch embedding|block [01]|the head)|weights .* are not finite any "
                + "more|but the gradient of .* is not",
            sentence
        );
        Assert.Equal(before, File.ReadAllBytes(SmallRun.CheckpointIn(In("run"))));
        s_run.Train(In("run"));
        s_run.Train(In("whole"));
        Assert.Equal(SmallRun.Left(In("whole")), SmallRun.Left(In("run")));
    }

    [Fact]
    public void AnImageThatIsNotFiniteIsNamed() =>
        Expect.Refused<TrainingException>(
            () =>
                s_run.Train(
                    In("run"),
                    objective: own => new ChangedObjective(
                        own,
                        (batch, step) =>
                        {
                            if (step == 9)
                                batch.Images[0, 1, 2, 3].fill_(float.PositiveInfinity);
                        }
                    )
                ),
            "at step 9 (epoch 1, batch seed 3/9, ",
            "stops being finite at the images"
        );

    [Fact]
    public void WeightsThatAreNotFiniteAreNotSaved()
    {
        Stopped(after: 5);
        byte[] before = File.ReadAllBytes(SmallRun.CheckpointIn(In("run")));
        Expect.Refused<TrainingException>(
            () =>
                (s_run with { Recipe = SmallRun.Plain with { BaseLearningRate = double.MaxValue } }).Train(
                    In("run"),
                    options: options => options with { SaveSteps = 1 }
                ),
            "weights",
            "not finite after step 5 (batch seed 3/5)"
        );
        Assert.Equal(before, File.ReadAllBytes(SmallRun.CheckpointIn(In("run"))));
    }

    [Fact]
    public void ACheckpointOfAnotherRunIsRefused()
    {
        Stopped(after: 5);
        Expect.Refused<TrainingException>(
            () => (s_run with { Adventurer = true }).Train(In("run")),
            "of another run",
            "a folder of its own"
        );
        Expect.Refused<TrainingException>(
            () => (s_run with { Recipe = SmallRun.Plain with { EpochImages = 16 } }).Train(In("run")),
            "is at step 5, but this run has 3"
        );
    }

    private string In(string name) => Path.Combine(_folder, name);

    private void Stopped(int after)
    {
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() =>
            s_run.Train(In("run"), stop, through: data => new StoppingData(data, after, Waiting: true, stop))
        );
    }

    private Dictionary<string, Tensor> Saved(string name) => Safetensors.Read(SmallRun.CheckpointIn(In(name)));

    private double[] Column(string name, string column) =>
        [
            .. SmallRun
                .Metrics(In(name))
                .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => JsonElement.Parse(line).GetProperty(column).GetDouble()),
        ];

    private sealed class ShortData(TrainingData data) : TrainingData
    {
        public override int Classes => data.Classes;

        public override long EpochImages => 8;

        public override IEnumerable<PatchKit.Data.Batch> Training(
            int epoch,
            int firstStep,
            CancellationToken cancellation
        ) => [];

        public override IEnumerable<PatchKit.Data.Batch> Test(CancellationToken cancellation) => [];
    }
}
