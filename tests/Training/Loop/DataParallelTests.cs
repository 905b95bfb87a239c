using System.Globalization;
using System.Text.Json;
using PatchKit.Checkpoints;
using PatchKit.Experiments;
using PatchKit.Tests.Cli;
using PatchKit.Torch.Distributed;
using PatchKit.Training.Runs;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Training.Loop;

/// <summary>
/// Processes that train together, started by `patchkit launch`, end where one process ends: on its very bits where that
/// sums the batch in as many parts. Against the batch as a whole every float64 weight is within 1e-10 (1 + |w|) after
/// tens of steps. Rounding, from sums in another order, is all that differs, and training makes it grow: after the 200
/// steps of table1's smoke runs to 1.4e-10 in the worst of six, and by as much between two numbers of threads in one
/// process (7e-11 in one of them).
/// </summary>
[Trait("speed", "seconds"), Trait("work", "processes")]
public sealed class DataParallelTests : IDisposable, IClassFixture<DataParallelTests.LetAlone>
{
    private const double Float64 = 1e-10,
        Float64After200Steps = 1e-9;
    private static readonly string[] s_small =
    [
        "train",
        "--recipe",
        "smoke",
        "--patch",
        "8",
        "--precision",
        "float64",
        "--set",
    ];
    private static readonly string[] s_short = [.. s_small, "epochs=2", "epochImages=640"];
    private static readonly string[] s_200Steps = [.. s_small, "epochs=10", "epochImages=1280"];
    private readonly string _folder = Directory.CreateTempSubdirectory("patchkit-ranks-").FullName;
    private readonly LetAlone _letAlone;

    public DataParallelTests(LetAlone letAlone)
    {
        Assert.SkipUnless(ProcessGroup.Backends.HasFlag(CollectiveBackends.Gloo), ProcessGroup.Absence);
        _letAlone = letAlone;
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>
    /// Of the same global batches: to the bit where one process takes them in two parts, and but for rounding, which
    /// 200 steps make grow, where it takes them whole.
    /// </summary>
    [Fact]
    [Trait("speed", "slow")]
    public void TwoProcessesTrainTable1AsOneDoes()
    {
        string[] table = ["run", "table1", "--scale", "smoke", "--precision", "float64"];
        using var whole = ChildProcess.WithThreads(1, [.. table, "--out", Path.Combine(_folder, "one")]);
        Finished(ChildProcess.WithThreads(1, [.. table, "--accumulate", "2", "--out", Path.Combine(_folder, "parts")]));
        Finished(whole);
        Assert.Contains(
            "Table 1",
            Finished(
                ChildProcess.WithThreads(
                    1,
                    ["launch", "--processes", "2", "--", .. table, "--out", Path.Combine(_folder, "two")]
                )
            ).Output
        );
        foreach (var run in ExperimentBook.Find("table1").Grid(new() { Scale = Scale.Smoke }))
        {
            Assert.Equal(0, Difference("parts", "two", run.Key));
            Assert.InRange(Difference("one", "two", run.Key), 0, Float64After200Steps);
            SameScores(run.Key, Float64After200Steps);
        }
    }

    /// <summary>
    /// All 200 steps of a run of table1's smoke scale, in each precision: two ranks and one process in two parts, each
    /// with one thread.
    /// </summary>
    [
        Theory,
        InlineData("small-vit", "float64"),
        InlineData("small-vit", "float32"),
        InlineData("small-adventurer", "float64")
    ]
    public void TwoRanksHaveTheBitsOfOneProcessInTwoParts(string model, string precision)
    {
        string[] arguments =
        [
            "train",
            "--recipe",
            "smoke",
            "--model",
            model,
            "--patch",
            "8",
            "--seed",
            "10",
            "--precision",
            precision,
        ];
        Finished(
            ChildProcess.WithThreads(1, [.. arguments, "--accumulate", "2", "--out", Path.Combine(_folder, "one")])
        );
        Finished(
            ChildProcess.WithThreads(
                1,
                ["launch", "--processes", "2", "--", .. arguments, "--out", Path.Combine(_folder, "two")]
            )
        );
        string key = Store("one").List().Single().Key;
        Assert.Equal(File.ReadAllBytes(Weights("one", key)), File.ReadAllBytes(Weights("two", key)));
        SameScores(key, 1e-6); // the loss that is logged is of float32, and summed in another order
    }

    [Theory]
    [InlineData(2, 1)]
    [InlineData(4, 1, "mixup=0.8", "cutMix=1", "dropPath=0.2", "emaDecay=0.9", "labelSmoothing=0.1")]
    [InlineData(2, 2, "clipNorm=0.5")]
    public void RanksTrainAsOneProcessDoes(int ranks, int accumulation, params string[] changes)
    {
        string[] arguments = [.. s_short, .. changes];
        Finished(One("one", arguments));
        Finished(
            Launch("two", ranks, [.. arguments, "--accumulate", accumulation.ToString(CultureInfo.InvariantCulture)])
        );
        string key = Store("one").List().Single().Key;
        Assert.InRange(Difference("one", "two", key), 0, Float64);
        SameScores(key, Float64);
    }

    [Fact]
    public void ResultsOfAnotherPrecisionAreNotTakenForIt()
    {
        Finished(One("one", s_short));
        var refused = One("one", [.. s_short.Where(word => word is not ("--precision" or "float64"))]).End();
        Assert.Equal(1, refused.Code);
        Assert.Contains("was trained in Float64, but Float32 was asked for", refused.Errors);
    }

    /// <summary>
    /// In float32, after 20 steps: weights within 2e-3, the test loss within a millionth. The keys' biases, which
    /// change no score, have no gradient but rounding, from which Adam makes steps of any size up to the rate, 3e-3;
    /// measured 6e-4 there.
    /// </summary>
    [Fact]
    public void Float32DiffersByRounding()
    {
        string[] arguments = [.. s_short.Where(word => word is not ("--precision" or "float64"))];
        Finished(One("one", arguments));
        Finished(Launch("two", 2, arguments));
        string key = Store("one").List().Single().Key;
        Assert.InRange(Difference("one", "two", key), 0, 2e-3);
        SameScores(key, 1e-6);
    }

    /// <summary>Labelled pixels are counted over all shares, so that segmentation is the same run, too.</summary>
    [Fact]
    public void SegmentationTrainsAsOneProcessDoes()
    {
        string[] arguments =
        [
            "train",
            "--recipe",
            "segment-smoke",
            "--patch",
            "8",
            "--set",
            "epochs=1",
            "epochImages=64",
            "batchSize=16",
        ];
        Finished(One("one", arguments));
        Finished(Launch("two", 2, arguments));
        string key = Store("one").List().Single().Key;
        Assert.InRange(Difference("one", "two", key), 0, 2e-3);
        Assert.Equal(Store("one").Get(key).Result!.Test.Loss, Store("two").Get(key).Result!.Test.Loss, 1e-4);
    }

    /// <summary>
    /// kill -9 of a rank: the others save, say who is gone and end; the run goes on with as many ranks to the same
    /// bits, and with one process to the same weights.
    /// </summary>
    [Fact]
    public void ADeadRankEndsTheJobAndNothingIsLost()
    {
        var job = Launch("two", 2, s_200Steps);
        WaitForSteps("two", job, 3);
        job.KillRank(1);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var ended = job.End();
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 30);
        Assert.Equal(137, ended.Code);
        Assert.Contains("patchkit: rank 1 was ended by signal 9; the other ranks are given", ended.Errors);
        Assert.Matches(
            @"patchkit: rank 1 is gone: nothing was heard of it for \d+ s\. Training was ended at step \d+ of 200; "
                + @"the checkpoint is in .*\. Start all ranks again with the same command, "
                + "or one process alone, and the run goes on from there",
            ended.Errors
        );
        var stored = Store("two").List().Single();
        Assert.Equal(RunStatus.Interrupted, stored.Status);

        Copy("two", "one");
        Finished(Launch("two", 2, s_200Steps));
        Assert.Equal(_letAlone.Weights(stored.Key), File.ReadAllBytes(Weights("two", stored.Key)));
        Finished(One("one", s_200Steps));
        Assert.InRange(Difference("two", "one", stored.Key), 0, Float64After200Steps);
    }

    /// <summary>Rank 0 writes the checkpoints; when it is killed, the last one is where the run goes on.</summary>
    [Fact]
    public void WithoutRank0TheOthersEnd()
    {
        string[] arguments = [.. s_small, "epochs=1000", "--checkpoint-steps", "2"];
        var job = Launch("two", 2, arguments);
        WaitForSteps("two", job, 5);
        job.KillRank(0);
        var ended = job.End();
        Assert.Equal(137, ended.Code);
        Assert.Contains("[rank 1] patchkit: rank 0 is gone: the store that it served at 127.0.0.1:", ended.Errors);
        Assert.Equal(RunStatus.Interrupted, Store("two").List().Single().Status);
    }

    /// <summary>
    /// Ctrl-C at the launcher stops all ranks after the same step; the same command goes on, to the same bits.
    /// </summary>
    [Fact]
    public void CtrlCStopsAllRanksAtOneStep()
    {
        var job = Launch("two", 2, s_200Steps);
        WaitForSteps("two", job, 3);
        job.Interrupt();
        var ended = job.End();
        Assert.True(ended.Code == 130, ended.Errors);
        string[] steps =
        [
            .. ended
                .Errors.Split('\n')
                .Where(line => line.Contains("training was stopped at step"))
                .Select(line => line.Split("at step ")[1].Split(' ')[0]),
        ];
        Assert.Equal(2, steps.Length);
        Assert.Equal(steps[0], steps[1]);
        Finished(Launch("two", 2, s_200Steps));
        string key = Store("two").List().Single().Key;
        Assert.Equal(_letAlone.Weights(key), File.ReadAllBytes(Weights("two", key)));
    }

    [Fact]
    public void WhatCannotBeIsOneSentenceAndAnExitCode()
    {
        var uneven = Launch("two", 3, s_short).End();
        Assert.Equal(1, uneven.Code);
        Assert.Contains(
            "patchkit: a batch of 64 images does not split evenly over 3 ranks; start a number of ranks "
                + "that divides 64",
            uneven.Errors
        );
        var odd = Launch("two", 2, [.. s_short, "batchSize=6", "mixup=0.8"]).End();
        Assert.Contains("Mixup and CutMix pair the images of a batch, but each of 2 ranks takes 3 of 6", odd.Errors);
        using var none = new ChildProcess("launch", "--processes", "0", "--", "list");
        Assert.Contains("0 processes train nothing", none.End().Errors);
    }

    /// <summary>Rank 0 speaks for all; a command without training is run all the same.</summary>
    [Fact]
    public void TheLauncherShowsRank0()
    {
        var run = Launch("two", 2, [.. s_short, "--json"]).End();
        Assert.True(run.Code == 0, run.Errors);
        Assert.Equal(Store("two").List().Single().Key, JsonElement.Parse(run.Output).GetProperty("key").GetString());
        Assert.DoesNotContain("[rank 1]", run.Errors);
        Assert.Contains("was trained already", Finished(Launch("two", 2, s_short)).Output);
    }

    private RunStore Store(string name) => new(Path.Combine(_folder, name));

    private string Weights(string name, string key) => Path.Combine(_folder, name, key, RunStore.WeightsFile);

    private ChildProcess One(string name, string[] arguments) =>
        new([.. arguments[..1], "--out", Path.Combine(_folder, name), .. arguments[1..]]);

    private ChildProcess Launch(string name, int ranks, string[] arguments) =>
        Launched(Path.Combine(_folder, name), ranks, arguments);

    private static ChildProcess Launched(string store, int ranks, string[] arguments) =>
        new([
            "launch",
            "--processes",
            ranks.ToString(CultureInfo.InvariantCulture),
            "--",
            .. arguments[..1],
            "--out",
            store,
            .. arguments[1..],
        ]);

    private static CommandRun Finished(ChildProcess process)
    {
        using (process)
        {
            var run = process.End();
            Assert.True(run.Code == 0, run.Errors);
            return run;
        }
    }

    private void WaitForSteps(string name, ChildProcess job, int steps)
    {
        while (!job.HasExited && !Store(name).List().Any(run => Store(name).Curve(run.Key).Count >= steps))
            Thread.Sleep(10);
        Assert.False(job.HasExited);
    }

    private void Copy(string from, string to)
    {
        foreach (string file in Directory.EnumerateFiles(Path.Combine(_folder, from), "*", SearchOption.AllDirectories))
        {
            string copy = Path.Combine(_folder, to, Path.GetRelativePath(Path.Combine(_folder, from), file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }

    // The greatest of |a - b| / (1 + |a|) over all weights.
    private double Difference(string one, string other, string key)
    {
        using var scope = NewDisposeScope();
        var (a, b) = (Safetensors.Read(Weights(one, key)), Safetensors.Read(Weights(other, key)));
        Assert.Equal(a.Keys.Order(), b.Keys.Order());
        return a.Max(entry =>
        {
            var (x, y) = (entry.Value.to(ScalarType.Float64), b[entry.Key].to(ScalarType.Float64));
            return ((x - y).abs() / (x.abs() + 1)).max().item<double>();
        });
    }

    private void SameScores(string key, double tolerance)
    {
        var (one, two) = (Store("one").Get(key).Result!, Store("two").Get(key).Result!);
        Assert.Equal(one.Test.Loss, two.Test.Loss, tolerance * (1 + one.Test.Loss));
        Assert.Equal(one.TrainingLoss, two.TrainingLoss, tolerance * (1 + one.TrainingLoss));
        Assert.Equal((one.Test.Images, one.Test.Top1, one.Steps), (two.Test.Images, two.Test.Top1, two.Steps));
    }

    /// <summary>The 200 steps by two ranks that nobody disturbs, trained once for all tests that ask.</summary>
    public sealed class LetAlone : IDisposable
    {
        private readonly string _folder = Directory.CreateTempSubdirectory("patchkit-let-alone-").FullName;
        private bool _isTrained;

        internal byte[] Weights(string key)
        {
            if (!_isTrained)
                Finished(Launched(_folder, 2, s_200Steps));
            _isTrained = true;
            return File.ReadAllBytes(Path.Combine(_folder, key, RunStore.WeightsFile));
        }

        public void Dispose() => Directory.Delete(_folder, recursive: true);
    }
}
