using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using PatchKit.Checkpoints;
using PatchKit.Data;
using PatchKit.Metrics;
using PatchKit.Models;
using PatchKit.Tests.Torch;
using PatchKit.Torch;
using PatchKit.Torch.Distributed;
using PatchKit.Training;
using PatchKit.Training.Loop;
using PatchKit.Training.Recipes;
using PatchKit.Training.Runs;
using PatchKit.Training.Tasks;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Training.Loop;

/// <summary>
/// Memory that runs out in training and in the test, on a CPU whose tensors have a limit: the sentence, and what
/// automatic halving does.
/// </summary>
[Trait("speed", "seconds")]
public sealed class OutOfMemoryTests : IDisposable
{
    private const long Kilobyte = 1 << 10;
    private const int Batch = 256;

    // 2 epochs of 2 batches: large ones, so that activations are most of what a step takes.
    private static readonly SmallRun s_run = new(
        SmallRun.Plain with
        {
            Epochs = 2,
            EpochImages = 2 * Batch,
            BatchSize = Batch,
            WarmupEpochs = 0,
            EmaDecay = .9,
        },
        SmallRun.Generated
    );
    private static readonly StepMemory s_large = new(CPU, 128, 1L << 30, 1L << 28); // 1 GiB and 0.25 GiB an image
    private readonly string _folder = Directory.CreateTempSubdirectory("patchkit-memory-").FullName;

    public void Dispose()
    {
        Engine.LimitMemory(0);
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void BeyondTheLimitTensorsAreRefused()
    {
        using var scope = NewDisposeScope();
        Limit(100 * Kilobyte);
        Expect.Refused<ExternalException>(() => empty([1000 * Kilobyte], uint8), "1024000 bytes were asked for");
        Assert.InRange(Engine.MemoryOf(CPU).FreeBytes, 0, 100 * Kilobyte);
        Engine.LimitMemory(0);
        empty([1000 * Kilobyte], uint8);
        Expect.Refused<ArgumentException>(() => Engine.LimitMemory(-1), "-1 bytes");
    }

    [Fact]
    public void TheSentenceSaysWhatWouldFit()
    {
        Engine.LimitMemory(11L << 30);
        Assert.Equal(
            "a training step with 128 images at a time does not fit into the memory of the CPU, 11.0 GiB, "
                + "of which 11.0 GiB are free for this run; "
                + "give --accumulate 4 (32 images at a time), about 9.0 GiB of 11.0 GiB by the cost model, or "
                + "--auto-batch, which finds the number itself.",
            s_large.TooLarge(1)
        );
        // the model was wrong: the next number is the least that is new
        Assert.Contains("in 4 parts) does not fit", s_large.TooLarge(4));
        Assert.Contains("give --accumulate 8 (16 images at a time), about 5.0 GiB", s_large.TooLarge(4));
        Assert.Contains(
            "give --accumulate 2 (64 images at a time), or --auto-batch",
            (s_large with { ImageBytes = 0 }).TooLarge(1)
        );
        Assert.Contains(
            "parameters, gradients and optimizer take 1.0 GiB, one image about 0.3 GiB more",
            s_large.TooLarge(128)
        );
        Assert.Contains(
            "one image at a time, about 12.3 GiB; use a smaller model",
            (s_large with { FixedBytes = 12L << 30 }).TooLarge(1)
        );
    }

    [Theory]
    [InlineData(128, 1, 2)]
    [InlineData(128, 64, 128)]
    [InlineData(128, 128, null)]
    [InlineData(96, 32, 96)]
    [InlineData(15, 1, 3)]
    [InlineData(1, 1, null)]
    public void PartsAreAtLeastDoubledAndDivideTheBatch(int batch, int parts, int? more) =>
        Assert.Equal(more, (s_large with { Batch = batch }).MoreParts(parts));

    [Theory, InlineData(false), InlineData(true)]
    public void WithAutoBatchTheRunIsTheOneWithThatManyPartsFromTheStart(bool adventurer)
    {
        var run = s_run with { Adventurer = adventurer };
        long whole = Peak(run, 1),
            quarter = Peak(run, 4);
        Assert.InRange(quarter, 1, whole);
        var said = new List<string>();
        Limit((whole + quarter) / 2);
        run.Train(In("auto"), options: options => options with { AutoBatch = true, Say = said.Add });
        Engine.LimitMemory(0);
        Assert.Contains(
            $"step 0 does not fit into memory with {Batch} images at a time; it is done again, and the run "
                + $"goes on, in 2 parts, {Batch / 2} images at a time",
            said[0]
        );
        run.Train(In("given"), options: options => options with { Accumulation = 1 << said.Count });
        Assert.Equal(SmallRun.Left(In("given")), SmallRun.Left(In("auto")));
    }

    [Fact]
    public void WhatWasFoundIsKeptWhenTheRunIsResumed()
    {
        using var stop = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() =>
            s_run.Train(
                In("run"),
                stop,
                AutoBatch,
                objective: own => new ChangedObjective(
                    own,
                    (_, step) =>
                    {
                        if (step == 1)
                            Engine.LimitMemory(0);
                        if (step == 2)
                            stop.Cancel();
                    }
                ),
                through: data =>
                {
                    Limit((Peak(s_run, 1) + Peak(s_run, 4)) / 2);
                    return data;
                }
            )
        );
        Assert.NotEqual("1", Accumulation("run"));
        s_run.Train(In("run"), options: AutoBatch);
        s_run.Train(In("given"), options: options => options with { Accumulation = int.Parse(Accumulation("run")) });
        Assert.Equal(SmallRun.Left(In("given")), SmallRun.Left(In("run")));

        static TrainerOptions AutoBatch(TrainerOptions options) => options with { AutoBatch = true };

        string Accumulation(string name)
        {
            using var file = Safetensors.Open(SmallRun.CheckpointIn(In(name)));
            return file.Metadata["accumulation"];
        }
    }

    [Fact]
    public void WithoutItTheRunStopsInASentenceAndGoesOnLater()
    {
        string sentence = Expect.Refused<TrainingException>(
            () =>
                s_run.Train(
                    In("run"),
                    objective: own => new ChangedObjective(
                        own,
                        (_, step) =>
                        {
                            if (step == 2)
                                Limit(200 * Kilobyte);
                        }
                    )
                ),
            $"with {Batch} images at a time does not fit into the memory of the CPU",
            "--accumulate 2 (128 images at a time)",
            "--auto-batch",
            $"The checkpoint is in {In("run")}."
        );
        Assert.DoesNotContain("\n", sentence);
        Engine.LimitMemory(0);
        s_run.Train(In("run"));
        s_run.Train(In("whole"));
        Assert.Equal(SmallRun.Left(In("whole")), SmallRun.Left(In("run")));
    }

    [Fact]
    public void WhereNotEvenOneImageFitsTheSentenceSaysSo()
    {
        var said = new List<string>();
        Expect.Refused<TrainingException>(
            () =>
                s_run.Train(
                    In("run"),
                    options: options => options with { AutoBatch = true, Say = said.Add },
                    objective: own => new ChangedObjective(own, (_, _) => Limit(Kilobyte))
                ),
            "with one image at a time (a batch of 256 in 256 parts) does not fit",
            "parameters, gradients and optimizer take 1.",
            "use a smaller model"
        );
        Assert.Equal(8, said.Count);
    }

    [Fact]
    public void AModelThatDoesNotFitIsASentence() =>
        Expect.Refused<TrainingException>(
            () =>
                s_run.Train(
                    In("run"),
                    options: options =>
                    {
                        Limit(Kilobyte);
                        return options;
                    }
                ),
            "the model does not fit into the memory of the CPU",
            "parameters, gradients and optimizer take"
        );

    [Fact]
    public void TheTestIsHalvedUntilItFits()
    {
        using var data = SmallRun.Generated.Open(s_run.Recipe, 3, CPU);
        manual_seed(3).Dispose();
        using var model = s_run.Model(data.Classes).Create();
        var said = new List<string>();
        var (whole, _) = Test(1000, new RunOptions());
        var (halved, _) = Test(30, new RunOptions { AutoBatch = true, Say = said.Add });
        Assert.Equal((100, 100), (whole.Images, halved.Images));
        // float32 forward passes of other shapes
        Assert.Equal(whole.Loss, halved.Loss, 1e-6);
        Assert.Equal(
            ["50 images at a time", "25 images at a time"],
            said.Select(line => line[(line.IndexOf("with ", StringComparison.Ordinal) + 5)..])
        );
        Expect.Refused<TrainingException>(
            () => Test(30, new RunOptions()),
            "testing 100 images at a time does not fit",
            "--auto-batch",
            "What was trained is saved"
        );
        Expect.Refused<TrainingException>(
            () => Test(0, new RunOptions { AutoBatch = true }),
            "testing one image at a time does not fit",
            "a smaller model"
        );
        Expect.Refused<TrainingException>(
            () =>
                TestPass.Evaluate(
                    new Picky(model, 30),
                    new Unmakeable(),
                    new RunOptions { AutoBatch = true },
                    TestContext.Current.CancellationToken
                ),
            "the test images themselves do not fit",
            "smaller images"
        );

        (EvaluationResult Test, TaskResult? Scores) Test(int most, RunOptions options) =>
            TestPass.Evaluate(new Picky(model, most), data, options, TestContext.Current.CancellationToken);
    }

    [Fact]
    public void PartsOfABatchHoldAllOfIt()
    {
        using var scope = NewDisposeScope();
        using var batch = new MultiScaleBits(1, options: MultiScaleBitsOptions.Segmentation).Batch(
            0,
            5,
            Annotations.Dense | Annotations.Objects
        );
        var parts = batch.Parts(2).ToList();
        Assert.Equal([2, 2, 1], parts.Select(part => part.Images.shape[0]));
        Expect.SameBits(batch.Images, cat(parts.Select(part => part.Images).ToArray(), 0));
        Expect.SameBits(batch.Dense!, cat(parts.Select(part => part.Dense!).ToArray(), 0));
        Assert.Equal(
            batch.Objects!.Select(targets => targets.Classes.shape[0]),
            parts.SelectMany(part => part.Objects!).Select(targets => targets.Classes.shape[0])
        );
        parts.ForEach(part => part.Dispose());
        // still there
        Assert.Equal(batch.Images.shape[0], batch.Objects!.Count(targets => targets.Boxes.shape[1] == 4));
    }

    [Fact]
    public void ThePeakOfACpuIsMeasured()
    {
        var peak = PeakFlops.Of(CPU);
        Assert.Matches(@"^a measured matmul peak, [0-9,]+ GFLOP/s$", peak.Source);
        Assert.InRange(peak.Flops, 1e8, 1e15);
        Assert.Null(PeakFlops.Published(CPU));
        Assert.Null(Engine.DeviceName(CPU));
        Assert.Equal("cpu", Machine.Here(CPU).Device);
    }

    [Fact]
    public void SpeedIsToldAndRecordedAndOlderResultsAreRead()
    {
        var store = new RunStore(_folder);
        var config = new RunConfig
        {
            Model = SmallNet.Vit(16, 8, 16),
            Recipe = SmallRun.Plain with { Epochs = 1, WarmupEpochs = 0 },
            Data = new GeneratedDataConfig { TestImages = 50 },
            Seed = 3,
        };
        var told = new List<TrainingProgress>();
        var peak = new PeakFlops(1e12, "a peak");
        var speed = store
            .Train(config, new RunOptions { Peak = peak, Progress = told.Add }, TestContext.Current.CancellationToken)
            .Speed!;
        Assert.InRange(speed.DataWait, 0, 1);
        Assert.InRange(speed.PeakBytes, 16 * 66_976, 1L << 33);
        Assert.Equal((1, "a peak"), (speed.Accumulation, speed.Peak));
        Assert.Equal(
            speed.ImagesPerSecond * config.FlopsPerImage / peak.Flops,
            speed.Mfu!.Value,
            1e-9 * speed.Mfu.Value
        );
        Assert.Matches(
            @"^[0-9,]+ images/s, [0-9.]+ % MFU, [0-9]+ % of the time waiting for data, peak memory [0-9.]+ [MG]iB$",
            speed.ToString()
        );
        Assert.All(told, at => Assert.True(at is { DataWait: >= 0 and <= 1, PeakBytes: > 0, Mfu: > 0 }));

        string file = Path.Combine(store.FolderOf(config), "result.json");
        var node = JsonNode.Parse(File.ReadAllText(file))!.AsObject();
        Assert.True(node.Remove("speed"));
        File.WriteAllText(file, node.ToJsonString());
        Assert.Null(store.Find(config)!.Speed);
    }

    private static void Limit(long beyond)
    {
        Engine.ReleaseMemory();
        Engine.LimitMemory(Engine.Memory().LiveBytes + beyond);
    }

    // What a run holds at its peak, beyond what there was before.
    private long Peak(SmallRun run, int parts)
    {
        Engine.ReleaseMemory();
        long before = Engine.Memory().LiveBytes;
        run.Train(In($"peak {parts}"), options: options => options with { Accumulation = parts, Folder = null });
        return Engine.Memory().PeakBytes - before;
    }

    private string In(string name) => Path.Combine(_folder, name);

    /// <summary>A set for whose test images there is no room.</summary>
    private sealed class Unmakeable : TrainingData
    {
        public override int Classes => 16;

        public override long EpochImages => 0;

        public override IEnumerable<Batch> Training(int epoch, int firstStep, CancellationToken cancellation) => [];

        public override IEnumerable<Batch> Test(CancellationToken cancellation) =>
            throw new ExternalException("can't allocate memory");
    }

    /// <summary>A classification for whose test memory runs out beyond so many images at a time.</summary>
    private sealed class Picky(Backbone model, int most) : TaskRun
    {
        public override nn.Module Model => model;

        public override Backbone Backbone => model;

        public override IObjective Objective(RunConfig config, ProcessGroup? group = null) =>
            throw new NotSupportedException();

        public override (EvaluationResult Test, TaskResult? Scores) Evaluate(
            TrainingData data,
            Device device,
            CancellationToken cancellation
        ) =>
            (
                Evaluation.Classification(
                    model,
                    data.Test(cancellation)
                        .Select(batch =>
                            batch.Images.shape[0] <= most ? batch : throw new ExternalException("can't allocate memory")
                        ),
                    device,
                    cancellation: cancellation
                ),
                null
            );
    }
}
