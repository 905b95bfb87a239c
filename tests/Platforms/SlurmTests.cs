using System.Diagnostics;
using PatchKit.Cli;
using PatchKit.Experiments;
using PatchKit.Experiments.Sweeps;
using PatchKit.Tests.Cli;
using PatchKit.Training;
using PatchKit.Training.Runs;
using Xunit;

namespace PatchKit.Tests.Platforms;

/// <summary>
/// The batch scripts of environment/slurm under a Slurm of three small scripts: what they start, and what follows when
/// a job is stopped.
/// </summary>
[Trait("speed", "seconds"), Trait("work", "processes")]
public sealed class SlurmTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("patchkit-slurm-").FullName;
    private readonly Dictionary<string, string> _job = new() { ["SLURM_JOB_ID"] = "77" };

    /// <summary>
    /// A checkout of its own: the scripts, and a patchkit that notes its arguments and ends with CODE.
    /// </summary>
    public SlurmTests()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "environment"));
        Directory.CreateSymbolicLink(
            Path.Combine(_folder, "environment", "slurm"),
            Path.Combine(Repository, "environment", "slurm")
        );
        Program("slurm/srun", "echo \"srun $*\" >> log; echo $$ > pid; exec \"${@:2}\"");
        Program("slurm/scontrol", "echo \"scontrol $*\" >> log");
        Program("bin/patchkit", "echo \"patchkit $*\" >> log; exit ${CODE:-0}");
    }

    private static string Repository { get; } =
        Parents(AppContext.BaseDirectory).First(folder => File.Exists(Path.Combine(folder, "PatchKit.csproj")));

    private string Home => Path.Combine(_folder, "bin", "patchkit");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory, InlineData("table.sbatch"), InlineData("report.sbatch")]
    public void ATableIsOneCommandOnAllTasks(string script)
    {
        Assert.Equal(0, Batch(script, "table1", "--scale", "paper", "--data", "a folder").Code);
        Assert.Equal(
            [
                $"srun --kill-on-bad-exit=0 {Home} run table1 --scale paper --data a folder --device cuda",
                "patchkit run table1 --scale paper --data a folder --device cuda",
            ],
            Log
        );
    }

    [Fact]
    public void AnElementTrainsItsPart()
    {
        Element(id: 3, count: 25, max: 25);
        Assert.Equal(0, Batch("array.sbatch", "table1", "--seeds", "2").Code);
        Assert.Equal("patchkit run table1 --seeds 2 --device cuda --only 3/25", Log[^1]);
    }

    [Fact]
    public void ElementsThatAreSubmittedAgainSayHowManyPartsThereWere()
    {
        Element(id: 7, count: 2, max: 7);
        var refused = Batch("array.sbatch", "table1");
        Assert.Equal((2, false), (refused.Code, File.Exists(LogFile)));
        Assert.Contains("The array has 2 elements up to 7", refused.Errors);
        _job["PARTS"] = "25";
        Assert.Equal(0, Batch("array.sbatch", "table1").Code);
        Assert.Equal("patchkit run table1 --device cuda --only 7/25", Log[^1]);
    }

    [Fact]
    public void AJobThatIsNoArrayIsRefused()
    {
        var refused = Batch("array.sbatch", "table1");
        Assert.Equal((2, false), (refused.Code, File.Exists(LogFile)));
        Assert.Contains("--array=1-N", refused.Errors);
    }

    [Theory, InlineData(1, false), InlineData(130, true)]
    public void OnlyAStoppedJobIsQueuedAgain(int code, bool again)
    {
        _job["CODE"] = $"{code}";
        Assert.Equal(code, Batch("table.sbatch", "table1").Code);
        Assert.Equal(again, Log.Contains("scontrol requeue 77"));
    }

    /// <summary>Slurm's signal before the time limit goes to the step, not to the script.</summary>
    [Fact]
    public void BeforeTheTimeLimitTheRunSavesItselfAndTheJobIsQueuedAgain()
    {
        string dotnet = Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet"
                ? path
                : "dotnet",
            dll = Path.Combine(AppContext.BaseDirectory, typeof(PlanCommand).Assembly.GetName().Name + ".dll");
        Program("bin/patchkit", $"exec '{dotnet}' '{dll}' \"${{@/#cuda/cpu}}\"");
        var store = new RunStore(Path.Combine(_folder, "runs"));
        using var batch = Start("table.sbatch", "table1", "--scale", "smoke", "--budget", "100");
        while (!batch.HasExited && !store.List().Any(run => store.Curve(run.Key).Count > 0))
            Thread.Sleep(10);
        Process
            .Start("bash", ["-c", $"kill -TERM {File.ReadAllText(Path.Combine(_folder, "pid")).Trim()}"])
            .WaitForExit();
        string errors = batch.StandardError.ReadToEnd();
        batch.WaitForExit();
        Assert.Equal(130, batch.ExitCode);
        Assert.Matches(
            @"patchkit: training was stopped at step \d+ of 20000; the checkpoint is in .*\. "
                + @"The same command goes on from there\.\n",
            errors
        );
        Assert.Equal("scontrol requeue 77", Log[^1]);
        Assert.Equal(RunStatus.Interrupted, store.List().Single().Status);
    }

    [Fact]
    public void TheScriptsAskSlurmForASignalInTimeAndToBeQueuedAgain()
    {
        foreach (string script in new[] { "table.sbatch", "array.sbatch", "report.sbatch" })
        {
            string[] asked =
            [
                .. File.ReadLines(Path.Combine(Repository, "environment", "slurm", script))
                    .Where(line => line.StartsWith("#SBATCH", StringComparison.Ordinal)),
            ];
            Assert.All(
                new[] { "--requeue", "--signal=TERM@120", "--open-mode=append" },
                option => Assert.Contains($"#SBATCH {option}", asked)
            );
        }
    }

    [Fact]
    public void TheReadmesCommandsAreOnesThatExist()
    {
        string readme = File.ReadAllText(Path.Combine(Repository, "environment", "slurm", "README.md"));
        foreach (string script in new[] { "table.sbatch", "array.sbatch", "report.sbatch" })
            Assert.Contains($"environment/slurm/{script} table1 --scale paper --data IMAGENET", readme);
        Assert.Contains("bin/patchkit plan table1 --gpu a100 --gpus 8", readme);
        int parts = GridPart.Count(
            ExperimentBook
                .Find("table1")
                .Grid(
                    new()
                    {
                        SizesOnly = true,
                        Scale = Scale.Paper,
                        Data = PublishedData.ImageNet1k,
                    }
                )
        );
        Assert.Contains($"--array=1-{parts} ", readme);
    }

    private string LogFile => Path.Combine(_folder, "log");

    private string[] Log => File.ReadAllLines(LogFile);

    private void Element(int id, int count, int max) =>
        (_job["SLURM_ARRAY_TASK_ID"], _job["SLURM_ARRAY_TASK_COUNT"], _job["SLURM_ARRAY_TASK_MAX"]) = (
            $"{id}",
            $"{count}",
            $"{max}"
        );

    private CommandRun Batch(string script, params string[] arguments)
    {
        using var process = Start(script, arguments);
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return new CommandRun(process.ExitCode, process.StandardOutput.ReadToEnd(), errors);
    }

    // As Slurm does it: a copy of the script, from the folder that it was submitted from.
    private Process Start(string script, params string[] arguments)
    {
        string copy = Path.Combine(_folder, "slurm_script");
        File.Copy(Path.Combine(Repository, "environment", "slurm", script), copy, overwrite: true);
        var start = new ProcessStartInfo("bash", [copy, .. arguments])
        {
            WorkingDirectory = _folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["PATH"] = $"{Path.Combine(_folder, "slurm")}:{Environment.GetEnvironmentVariable("PATH")}";
        start.Environment["SLURM_SUBMIT_DIR"] = _folder;
        foreach (var (name, value) in _job)
            start.Environment[name] = value;
        return Process.Start(start)!;
    }

    private void Program(string name, string line)
    {
        string path = Path.Combine(_folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, $"#!/usr/bin/env bash\n{line}\n");
        Process.Start("chmod", ["+x", path]).WaitForExit();
    }

    private static IEnumerable<string> Parents(string folder)
    {
        for (var at = new DirectoryInfo(folder); at is not null; at = at.Parent)
            yield return at.FullName;
    }
}
