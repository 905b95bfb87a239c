using System.Diagnostics;
using System.Text.Json;
using PatchKit.Tests.Cli;
using PatchKit.Training.Loop;
using PatchKit.Training.Runs;
using Xunit;

namespace PatchKit.Tests.Training.Runs;

/// <summary>kill -9 at random moments of a run: it goes on, and ends on the bits of a run that was let alone.</summary>
[Trait("speed", "slow"), Trait("work", "processes")]
public sealed class KillTests(ITestOutputHelper output) : IDisposable
{
    private const int Kills = 20,
        Steps = 630;
    private readonly string _folder = Directory.CreateTempSubdirectory("patchkit-kill-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void KilledTwentyTimesARunEndsOnTheSameBits()
    {
        int seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var (random, clock) = (new Random(seed), Stopwatch.StartNew());
        Finish("whole");
        int killed = 0,
            early = 0,
            inCheckpoint = 0;
        for (int i = 0; i < Kills; i++)
        {
            using var process = Begin("killed");
            // A fifth of them at any time from the start on, the others after some more steps.
            long target = (i * Steps + random.Next(Steps)) / (Kills + 1);
            bool anyTime = i % 5 == 2;
            var deadline = TimeSpan.FromMilliseconds(random.Next(1500));
            var started = Stopwatch.StartNew();
            while (!process.HasExited && (anyTime ? started.Elapsed < deadline : Step() < target))
                Thread.Sleep(2);
            Thread.Sleep(random.Next(15));
            if (process.HasExited)
                break;
            process.Kill();
            process.End();
            killed++;
            if (anyTime)
                early++;
            if (Directory.EnumerateFiles(_folder, "*.partial", SearchOption.AllDirectories).Any())
                inCheckpoint++;
        }
        output.WriteLine(
            $"{killed} kills, {early} at any time after the start, {inCheckpoint} while a checkpoint was "
                + $"written; {clock.Elapsed.TotalSeconds:0} s"
        );
        Assert.InRange(killed, Kills / 2, Kills);
        Finish("killed");
        foreach (string file in new[] { RunStore.WeightsFile, MetricsLog.FileName })
            Assert.Equal(File.ReadAllBytes(Of("whole", file)), File.ReadAllBytes(Of("killed", file)));
        Assert.Equal(Steps, File.ReadLines(Of("killed", MetricsLog.FileName)).Count());
    }

    private ChildProcess Begin(string name) =>
        new(
            "train",
            "--recipe",
            "smoke",
            "--patch",
            "8",
            "--checkpoint-steps",
            "3",
            "--seed",
            "5",
            "--out",
            Path.Combine(_folder, name),
            "--set",
            "epochs=10",
            "epochImages=1008",
            "batchSize=16",
            "emaDecay=0.9",
            "mixup=0.8",
            "dropPath=0.2"
        );

    private void Finish(string name)
    {
        using var process = Begin(name);
        var run = process.End();
        Assert.True(run.Code == 0, run.Errors);
    }

    // The last whole line's.
    private long Step()
    {
        if (!Directory.Exists(Path.Combine(_folder, "killed")))
            return 0;
        if (
            Directory
                .EnumerateFiles(Path.Combine(_folder, "killed"), MetricsLog.FileName, SearchOption.AllDirectories)
                .FirstOrDefault()
            is not { } path
        )
            return 0;
        return File.ReadLines(path).LastOrDefault(line => line.EndsWith('}')) is { } last
            ? JsonElement.Parse(last).GetProperty("step").GetInt64()
            : 0;
    }

    private string Of(string name, string file) =>
        Directory.EnumerateFiles(Path.Combine(_folder, name), file, SearchOption.AllDirectories).Single();
}
