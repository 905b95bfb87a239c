using System.Diagnostics;
using PatchKit.Tests.Public;
using Xunit;

namespace PatchKit.Tests.Notebooks;

/// <summary>Notebooks in the second kernel, .NET Interactive's own tool, executed by Debian's nbconvert as a reader would.</summary>
[Trait("speed", "slow"), Trait("needs", "feed")]
public sealed class InteractiveTests(ITestOutputHelper output, NotebookTests.Desk desk) : IClassFixture<NotebookTests.Desk>, IDisposable
{
    private static readonly string s_setUp = Path.Combine(Path.GetDirectoryName(NotebookTests.Desk.Kernel)!, "..", "environment", "setup.sh");
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    // One with a chart that grows and a line of progress, and the one that has a class of the name of a namespace of the tool's. PATCHKIT_INTERACTIVE=all takes the whole series.
    public static TheoryData<string> Names => Environment.GetEnvironmentVariable("PATCHKIT_INTERACTIVE") == "all" ? NotebookTests.Names : ["06-figure-3-patch-size-or-parameters.ipynb", "11-tables-7-to-10-models-and-recipes.ipynb"];

    [Theory, MemberData(nameof(Names))]
    public void RunsAndItsLiveOutputsEndInTheirLastState(string name)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/jupyter-nbconvert"), "jupyter-nbconvert is Debian's package of that name");
        var (code, said) = Run("bash", s_setUp, "--dotnet-interactive");
        Assert.SkipWhen(code != 0 && said.Contains("could not be restored"), "the tool .NET Interactive is in no package source here");
        Assert.True(code == 0, said);

        string notebook = desk.Path($"interactive-{name}");
        File.WriteAllText(notebook, File.ReadAllText(desk.Path(name)).Replace("scale = \\\"teach\\\"", "scale = \\\"smoke\\\""));
        var clock = Stopwatch.StartNew();
        (code, said) = Run("/usr/bin/python3", "/usr/bin/jupyter-nbconvert", "--to", "notebook", "--execute", "--ExecutePreprocessor.kernel_name=dotnet-interactive", "--ExecutePreprocessor.timeout=600", notebook, "--output", $"executed-{name}");
        output.WriteLine($"{name}: {clock.Elapsed.TotalSeconds:0} s\n{said}");
        Assert.True(code == 0, said);
        string executed = desk.Path($"executed-{name}");
        Assert.Empty(SavedNotebook.Load(executed).Cells.SelectMany(cell => cell.Errors));
        Assert.DoesNotContain("nothing to show yet", File.ReadAllText(executed));
        Assert.All(SavedNotebook.Load(executed).Code, cell => Assert.True(cell.IsExecuted, cell.Source));
    }

    private (int Code, string Said) Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["JUPYTER_DATA_DIR"] = _scratch["jupyter"];
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        string said = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, said + errors.Result);
    }
}
