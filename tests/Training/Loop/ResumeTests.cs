using PatchKit.Tests.Torch;
using PatchKit.Training;
using PatchKit.Training.Loop;
using Xunit;

namespace PatchKit.Tests.Training.Loop;

/// <summary>
/// A run that is stopped, wherever, goes on to the bits of one that was not: weights, average, optimizer and metrics.
/// </summary>
[Trait("speed", "seconds")]
public sealed class ResumeTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("patchkit-resume-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // Stops at the end of an epoch (batch 8, or 4 of the files' sets) among them.
    [Theory]
    [InlineData("generated", false), InlineData("generated", true)]
    [InlineData("cifar", false), InlineData("cifar", true)]
    [InlineData("folders", false), InlineData("folders", true)]
    public void StoppedBetweenSteps(string images, bool adventurer)
    {
        var run = Run(images, adventurer);
        run.Train(In("whole"));
        foreach (var (after, waiting) in new[] { (1, false), (1, true), (4, true), (2, false), (3, true) })
            Stop(run, after, waiting);
        Ends(run);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void StoppedInsideAStep(bool adventurer)
    {
        var run = Run("generated", adventurer);
        run.Train(In("whole"));
        foreach (long at in new[] { 0, 5, 13 })
        {
            using var stop = new CancellationTokenSource();
            Assert.Throws<OperationCanceledException>(() =>
                run.Train(
                    In("run"),
                    stop,
                    objective: own => new ChangedObjective(
                        own,
                        (_, step) =>
                        {
                            if (step == at)
                                stop.Cancel(); // the operators that run next find it
                        }
                    )
                )
            );
            Assert.Equal(at > 0, File.Exists(SmallRun.CheckpointIn(In("run"))));
        }
        Ends(run);
    }

    /// <summary>A notebook's display throws when its cell is stopped.</summary>
    [Fact]
    public void StoppedByWhoeverIsToldOfProgress()
    {
        var run = Run("generated", false);
        run.Train(In("whole"));
        using var stop = new CancellationTokenSource();
        string sentence = Assert
            .Throws<OperationCanceledException>(() =>
                run.Train(
                    In("run"),
                    stop,
                    options =>
                        options with
                        {
                            Progress = _ =>
                            {
                                stop.Cancel();
                                stop.Token.ThrowIfCancellationRequested();
                            },
                        }
                )
            )
            .Message;
        Assert.Equal($"training was stopped at step 1 of 24; the checkpoint is in {In("run")}", sentence);
        Ends(run);
    }

    [Fact]
    public void StoppedByTheHost()
    {
        var run = Run("generated", false);
        run.Train(In("whole"));
        using var stop = new CancellationTokenSource();
        try
        {
            AppContext.SetData(Cancellation.HostKey, stop.Token);
            Assert.Throws<OperationCanceledException>(() =>
                run.Train(In("run"), through: data => new StoppingData(data, 6, Waiting: false, stop))
            );
        }
        finally
        {
            AppContext.SetData(Cancellation.HostKey, null);
        }
        Ends(run);
    }

    [Theory, InlineData(1), InlineData(8)]
    public void CheckpointsComeAlsoWhereAnEpochEnds(int steps)
    {
        var run = Run("generated", false);
        run.Train(In("whole"));
        Assert.Throws<InvalidOperationException>(() =>
            run.Train(
                In("run"),
                options: options => options with { SaveSteps = steps },
                objective: own => new ChangedObjective(
                    own,
                    (_, step) =>
                    {
                        if (step == 9)
                            throw new InvalidOperationException("the machine is gone");
                    }
                )
            )
        );
        Assert.Equal(steps == 1 ? "9" : "8", SmallRun.Left(In("run"))["metadata step"]);
        Ends(run);
    }

    [Fact]
    public void TheLineThatWasBeingWrittenDoesNotMatter()
    {
        var run = Run("generated", false);
        run.Train(In("whole"));
        Stop(run, 5, waiting: true);
        File.AppendAllText(Path.Combine(In("run"), MetricsLog.FileName), "{\"step\":6,\"epo");
        File.WriteAllText(SmallRun.CheckpointIn(In("run")) + ".0123.partial", "half a check");
        Ends(run);
    }

    [Fact]
    public void MetricsThatAreShorterThanTheCheckpointSaysAreRefused()
    {
        var run = Run("generated", false);
        Stop(run, 5, waiting: true);
        File.WriteAllText(Path.Combine(In("run"), MetricsLog.FileName), "");
        Expect.Refused<TrainingException>(
            () => run.Train(In("run")),
            MetricsLog.FileName,
            "has 0 bytes",
            "delete the run"
        );
    }

    private SmallRun Run(string images, bool adventurer) =>
        images switch
        {
            "generated" => new SmallRun(SmallRun.Full, SmallRun.Generated, adventurer),
            "cifar" => new SmallRun(
                SmallRun.Full with
                {
                    EpochImages = 0,
                    ThreeAugment = true,
                },
                ImageDataConfig.In(SmallImages.Cifar(In("images")), 16),
                adventurer
            ),
            _ => new SmallRun(
                SmallRun.Full with
                {
                    EpochImages = 0,
                    RandAugment = "rand-m9-mstd0.5-inc1",
                },
                ImageDataConfig.In(SmallImages.Folders(In("images")), 16),
                adventurer
            ),
        };

    private string In(string name) => Path.Combine(_folder, name);

    private void Stop(SmallRun run, int after, bool waiting)
    {
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() =>
            run.Train(In("run"), stop, through: data => new StoppingData(data, after, waiting, stop))
        );
    }

    private void Ends(SmallRun run)
    {
        run.Train(In("run"));
        Assert.Equal(SmallRun.Left(In("whole")), SmallRun.Left(In("run")));
    }
}
