using System.Diagnostics;
using PatchKit.Tests.Cli;
using Xunit;

namespace PatchKit.Tests.Notebooks;

/// <summary>
/// Notebooks in the second kernel, .NET Interactive's own tool, executed by Debian's nbconvert as a reader would.
/// </summary>
[Trait("needs", "feed"), Trait("work", "processes")]
public sealed class InteractiveTests(ITestOutputHelper output, NotebookTests.Desk desk)
    : IClassFixture<NotebookTests.Desk>,
        IDisposable
{
    private const string NbConvert = "/usr/bin/jupyter-nbconvert";

    private static readonly string s_setUp = Path.GetFullPath(
        Path.Combine(NotebookTests.Folder, "..", "environment", "setup.sh")
    );

    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    // One with a chart that grows and a line of progress, and one that uses a class whose name is a namespace of the
    // tool's. PATCHKIT_TESTS=all takes the whole series.
    public static TheoryData<string> Names =>
        Everything.IsAsked
            ? NotebookTests.Names
            : ["02-table-1-patch-size.ipynb", "11-tables-7-to-10-models-and-recipes.ipynb"];

    [Theory, MemberData(nameof(Names))]
    public void RunsAndItsLiveOutputsEndInTheirLastState(string name)
    {
        Assert.SkipUnless(File.Exists(NbConvert), "jupyter-nbconvert is Debian's package of that name");
        Assert.SkipUnless(File.Exists(NotebookTests.Desk.Kernel), "bin/ is filled by environment/setup.sh");
        var installed = Run("bash", s_setUp, "--dotnet-interactive", "--no-build");
        Assert.SkipWhen(
            installed.Errors.Contains("could not be restored"),
            "the tool .NET Interactive is in no package source here"
        );
        Assert.True(installed.Code == 0, installed.Errors);

        string notebook = desk.Path($"interactive-{name}");
        string source = File.ReadAllText(desk.Path(name));
        File.WriteAllText(notebook, source.Replace("scale = \\\"teach\\\"", "scale = \\\"smoke\\\""));
        var clock = Stopwatch.StartNew();
        var ran = Run(
            "/usr/bin/python3",
            NbConvert,
            "--to",
            "notebook",
            "--execute",
            "--output",
            $"executed-{name}",
            "--ExecutePreprocessor.kernel_name=dotnet-interactive",
            "--ExecutePreprocessor.timeout=900",
            "--ExecutePreprocessor.startup_timeout=300",
            notebook
        );
        output.WriteLine($"{name}: {clock.Elapsed.TotalSeconds:0} s\n{ran.Errors}");
        Assert.True(ran.Code == 0, ran.Errors);

        string executed = desk.Path($"executed-{name}");
        var cells = SavedNotebook.Load(executed);
        Assert.Empty(cells.Cells.SelectMany(cell => cell.Errors));
        Assert.All(cells.Code, cell => Assert.True(cell.IsExecuted, cell.Source));
        Assert.DoesNotContain("nothing to show yet", File.ReadAllText(executed));
        Assert.All(
            cells.Code.Where(cell => cell.Source.Contains(".Showing(")),
            cell => Assert.Contains("from the cache", cell.Text)
        );
    }

    private CommandRun Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["JUPYTER_DATA_DIR"] = _scratch["jupyter"];
        using var process = Process.Start(start)!;
        var complained = process.StandardError.ReadToEndAsync();
        string written = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new CommandRun(process.ExitCode, written, complained.Result);
    }
}
