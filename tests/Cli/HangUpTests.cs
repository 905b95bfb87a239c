using System.Diagnostics;
using PatchKit.Cli;
using PatchKit.Training.Runs;
using Xunit;

namespace PatchKit.Tests.Cli;

/// <summary>
/// A closed terminal ends training as ctrl-C does: with a checkpoint from which the same command goes on. Under nohup
/// it does not end it. https://github.com/Lightning-AI/pytorch-lightning/issues/1455 (signals other than the usual
/// one), https://github.com/sigp/lighthouse/issues/3567 (nohup).
/// </summary>
[Trait("speed", "seconds")]
public sealed class HangUpTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("patchkit-public-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void TrainingIsSavedAndGoesOn()
    {
        Assert.SkipWhen(CtrlC.HangUpIsIgnored(), "the tests were started under nohup");
        using var child = new ChildProcess(Command);
        WaitForSteps();
        Signal(child.Id);
        Signal(child.Id); // the kernel and the shell both say it
        var ended = child.End();
        Assert.Equal(CtrlC.ExitCode, ended.Code);
        Assert.Contains("The same command goes on with it", ended.Errors);
        Assert.Equal(RunStatus.Interrupted, new RunStore(_folder).List().Single().Status);
    }

    /// <summary>
    /// A terminal that is gone can no longer be written to, which must not be what training fails of.
    /// </summary>
    [Fact]
    public void ATerminalThatIsGoneIsNoFailure()
    {
        Assert.SkipWhen(CtrlC.HangUpIsIgnored(), "the tests were started under nohup");
        if (!File.Exists("/usr/bin/script"))
            Assert.Skip("the program script (bsdutils) makes the terminal");
        string[] child = ChildProcess.Line(Command);
        using var terminal = Process.Start(
            new ProcessStartInfo(
                "/usr/bin/script",
                ["-qec", string.Join(' ', child.Select(word => $"'{word}'")), "/dev/null"]
            )
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
            }
        )!;
        terminal.OutputDataReceived += (_, _) => { };
        terminal.BeginOutputReadLine();
        WaitForSteps();
        terminal.Kill();
        Assert.True(
            SpinWait.SpinUntil(
                () => new RunStore(_folder).List().Single().Status == RunStatus.Interrupted,
                TimeSpan.FromSeconds(60)
            ),
            "no checkpoint was written"
        );
    }

    [Fact]
    public void UnderNohupItGoesOn()
    {
        using var child = ChildProcess.Behind(["nohup"], Command);
        WaitForSteps();
        Signal(child.Id);
        Thread.Sleep(2000);
        Assert.False(child.HasExited);
    }

    private string[] Command =>
        ["train", "--recipe", "smoke", "--set", "epochs=1000", "--checkpoint-minutes", "60", "--out", _folder];

    private void WaitForSteps() =>
        Assert.True(
            SpinWait.SpinUntil(
                () =>
                    Directory
                        .EnumerateFiles(_folder, "metrics.jsonl", SearchOption.AllDirectories)
                        .Any(file => new FileInfo(file).Length > 0),
                TimeSpan.FromSeconds(120)
            ),
            "training did not begin"
        );

    private static void Signal(int process) => Process.Start("bash", ["-c", $"kill -HUP {process}"]).WaitForExit();
}
