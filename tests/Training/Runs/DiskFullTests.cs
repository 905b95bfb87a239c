using PatchKit.Checkpoints;
using PatchKit.Tests.Cli;
using PatchKit.Training.Loop;
using PatchKit.Training.Runs;
using Xunit;

namespace PatchKit.Tests.Training.Runs;

/// <summary>
/// A disk with no room: a sentence, the last checkpoint as it was, and the run goes on when there is room again.
/// </summary>
[Trait("speed", "slow"), Trait("work", "processes")]
public sealed class DiskFullTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("patchkit-full-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void ARunEndsInASentenceAndGoesOn()
    {
        Assert.Equal(0, Ended("whole").Code);
        Interrupted("full");
        EndsInASentence(400, "checkpoint.safetensors");
        EndsInASentence(1, "config.json");
        Assert.Equal(0, Ended("full").Code);
        foreach (string left in new[] { RunStore.WeightsFile, MetricsLog.FileName })
            Assert.Equal(File.ReadAllBytes(Of("whole", left)), File.ReadAllBytes(Of("full", left)));
    }

    private void EndsInASentence(int kibibytes, string file)
    {
        string checkpoint = Of("full", TrainerStateFile.FileName);
        byte[] before = File.ReadAllBytes(checkpoint);
        using (var limited = ChildProcess.WithFileLimit(kibibytes, Arguments("full")))
        {
            var run = limited.End();
            Assert.Equal(1, run.Code);
            Assert.Contains($"{Path.Combine(Path.GetDirectoryName(checkpoint)!, file)} cannot be written", run.Errors);
            Assert.Contains("Make room on its disk", run.Errors);
            Assert.DoesNotContain("   at ", run.Errors);
        }
        Assert.Equal(before, File.ReadAllBytes(checkpoint));
        using (var opened = Safetensors.Open(checkpoint))
            Assert.NotEmpty(opened.Tensors());
        Assert.DoesNotContain(
            Directory.EnumerateFiles(_folder, "*", SearchOption.AllDirectories),
            path => path.EndsWith(".partial", StringComparison.Ordinal)
        );
    }

    private string[] Arguments(string name) =>
        [
            "train",
            "--recipe",
            "smoke",
            "--patch",
            "8",
            "--checkpoint-steps",
            "20",
            "--out",
            Path.Combine(_folder, name),
            "--set",
            "epochs=20",
            "batchSize=16",
            "epochImages=160",
        ];

    private CommandRun Ended(string name)
    {
        using var process = new ChildProcess(Arguments(name));
        return process.End();
    }

    private void Interrupted(string name)
    {
        using var process = new ChildProcess(Arguments(name));
        while (
            !process.HasExited
            && !(
                Directory.Exists(Path.Combine(_folder, name))
                && Directory
                    .EnumerateFiles(Path.Combine(_folder, name), TrainerStateFile.FileName, SearchOption.AllDirectories)
                    .Any()
            )
        )
            Thread.Sleep(5);
        process.Kill();
        process.End();
    }

    private string Of(string name, string file) =>
        Directory.EnumerateFiles(Path.Combine(_folder, name), file, SearchOption.AllDirectories).Single();
}
