using System.Diagnostics;
using PatchKit.Tests.Golden;
using PatchKit.Tests.Notebooks;
using PatchKit.Tests.Public;
using Xunit;

namespace PatchKit.Tests.Platforms;

/// <summary>
/// What needs nothing but the .NET SDK, on a copy of the checkout that nobody has set up: two builds, by environment/run.ps1 where PowerShell can be had, and everything runs, without guard
/// and libpatchkit; and the builds for other platforms.
/// </summary>
[Trait("speed", "slow"), Trait("needs", "feed")]
public sealed class PlainBuildTests(ITestOutputHelper output) : IDisposable
{
    private static readonly string s_home = Path.GetFullPath(Path.Combine(GoldenFile.Folder, "..", ".."));
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void TwoBuildsAreEnoughForTable1()
    {
        Copy();
        Succeeds("dotnet", "build", "PatchKit.csproj", "-c", "Release", "-nodeReuse:false", "-p:UseSharedCompilation=false");
        Succeeds("dotnet", "build", "environment/kernel/csnotebook.csproj", "-c", "Release", "-nodeReuse:false", "-p:UseSharedCompilation=false");
        string doctor = Succeeds("dotnet", "bin/PatchKit.dll", "doctor");
        Assert.Contains("decoded by ImageSharp", doctor);
        Assert.Contains("tensor operators take their place", doctor);
        Assert.Contains("a wrong shape in a matrix product ends the process", doctor);
        Assert.Contains("Table 1", Succeeds("dotnet", "bin/PatchKit.dll", "run", "table1", "--scale", "smoke"));
        Executed("dotnet", "bin/csnotebook.dll", "run", "notebooks/02-table-1-patch-size.ipynb", "--set", "scale=smoke", "--out", Ran);
    }

    [Fact]
    public void PowerShellRunsTable1()
    {
        Copy();
        Assert.SkipUnless(Here("dotnet", "tool", "restore").Code == 0 && Here("dotnet", "tool", "run", "pwsh", "-NoProfile", "-Command", "exit 0").Code == 0, "PowerShell is the tool in .config/dotnet-tools.json, which is in no package source here");
        Executed("dotnet", "tool", "run", "pwsh", "-NoProfile", "environment/run.ps1", "--set", "scale=smoke");
        // As the last line of test.sh, of one class of each runner that has it.
        string tests = Succeeds("dotnet", "tool", "run", "pwsh", "-NoProfile", "environment/test.ps1", "-class", "PatchKit.Tests.Display.TicksTests");
        Assert.Matches("(?m)^[1-9][0-9]* passed, 0 failed, [0-9]+ skipped\\s*$", tests);
    }

    [Theory, InlineData("win-x64"), InlineData("osx-arm64")]
    public void ItCompilesForOtherPlatforms(string platform)
    {
        string artifacts = _scratch["artifacts"];
        var (code, said) = Run(s_home, "dotnet", "build", "PatchKit.csproj", "-c", "Release", "-r", platform, $"-p:ArtifactsPath={artifacts}", "-p:FillBin=false", "-nodeReuse:false", "-p:UseSharedCompilation=false");
        Assert.True(code == 0, said);
        string[] built = [.. Directory.EnumerateFiles(Path.Combine(artifacts, "bin", "PatchKit", "release")).Select(file => Path.GetFileName(file))];
        output.WriteLine(string.Join(' ', built));
        string[] expected = platform == "win-x64" ? ["PatchKit.dll", "LibTorchSharp.dll", "torch_cpu.dll"] : ["PatchKit.dll", "libLibTorchSharp.dylib", "libtorch_cpu.dylib"];
        Assert.Empty(expected.Except(built));
        Assert.DoesNotContain(built, file => file.EndsWith(".so"));
    }

    private string Ran => Path.Combine(_scratch["copy"], "out", "02-table-1-patch-size.ipynb");

    private void Executed(params string[] line)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Ran)!);
        Succeeds(line);
        var notebook = SavedNotebook.Load(Ran);
        Assert.Empty(notebook.Cells.SelectMany(cell => cell.Errors));
        Assert.All(notebook.Code, cell => Assert.True(cell.IsExecuted));
    }

    // The files that git knows or would know, as they are now.
    private void Copy()
    {
        var (code, files) = Run(s_home, "git", "ls-files", "--cached", "--others", "--exclude-standard");
        Assert.SkipUnless(code == 0, "this is no checkout of git's, which says what belongs to it");
        foreach (string file in files.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(file => File.Exists(Path.Combine(s_home, file))))
        {
            string to = Path.Combine(_scratch["copy"], file);
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(Path.Combine(s_home, file), to);
        }
    }

    private string Succeeds(params string[] line)
    {
        var clock = Stopwatch.StartNew();
        var (code, said) = Run(_scratch["copy"], line);
        output.WriteLine($"{string.Join(' ', line)}: {clock.Elapsed.TotalSeconds:0} s\n{said}");
        Assert.True(code == 0, said);
        return said;
    }

    private (int Code, string Said) Here(params string[] line) => Run(_scratch["copy"], line);

    private static (int Code, string Said) Run(string folder, params string[] line)
    {
        var start = new ProcessStartInfo(line[0], line[1..]) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment.Remove("PATCHKIT_NATIVE");
        start.Environment["CXX"] = "/nowhere/c++"; // no compiler, no guard
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        string said = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, said + errors.Result);
    }
}
