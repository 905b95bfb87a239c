using System.Diagnostics;
using PatchKit.Tests.Golden;
using PatchKit.Tests.Notebooks;
using PatchKit.Tests.Public;
using Xunit;

namespace PatchKit.Tests.Platforms;

/// <summary>
/// What needs nothing but the .NET SDK, on a copy of the checkout that nobody has set up and where no C++ compiler is:
/// two builds, run.sh, and run.ps1 where PowerShell can be had, without guard and libpatchkit; and the builds for other
/// platforms.
/// </summary>
[Trait("speed", "slow"), Trait("needs", "feed")]
public sealed class PlainBuildTests(ITestOutputHelper output) : IDisposable
{
    private static readonly string s_home = Path.GetFullPath(Path.Combine(GoldenFile.Folder, "..", ".."));
    private static readonly string[] s_aside = ["-nodeReuse:false", "-p:UseSharedCompilation=false"];
    private readonly Scratch _scratch = new();

    private string Checkout => _scratch["copy"];

    private string Ran => Path.Combine(Checkout, "out", "02-table-1-patch-size.ipynb");

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void TwoBuildsAreEnoughForTable1()
    {
        Copy();
        Succeeds(["dotnet", "build", "PatchKit.csproj", "-c", "Release", .. s_aside]);
        Succeeds(["dotnet", "build", "environment/kernel/csnotebook.csproj", "-c", "Release", .. s_aside]);
        string doctor = Succeeds("dotnet", "bin/PatchKit.dll", "doctor");
        Assert.Contains("decoded by ImageSharp", doctor);
        Assert.Contains("tensor operators take their place", doctor);
        Assert.Contains("Table 1", Succeeds("dotnet", "bin/PatchKit.dll", "run", "table1", "--scale", "smoke"));
        Directory.CreateDirectory(Path.GetDirectoryName(Ran)!);
        Succeeds(
            "dotnet", "bin/csnotebook.dll", "run", "notebooks/02-table-1-patch-size.ipynb", "--set", "scale=smoke",
            "--out", Ran);
        IsExecuted();
    }

    [Fact]
    public void SetUpSaysWhatIsSlowerAndRuns()
    {
        Copy();
        string said = Succeeds("bash", "environment/run.sh", "--set", "scale=smoke");
        Assert.Contains("Everything works without a C++17 compiler such as g++ 12, but", said);
        IsExecuted();
    }

    [Fact]
    public void PowerShellRunsTable1()
    {
        Copy();
        string scripts = Path.Combine(Checkout, "environment");
        Assert.SkipUnless(
            Run(scripts, "dotnet", "tool", "restore").Code == 0,
            "PowerShell is the tool in environment/.config/dotnet-tools.json, which is in no package source here");
        Succeeds(scripts, "dotnet", "tool", "run", "pwsh", "-NoProfile", "run.ps1", "--set", "scale=smoke");
        IsExecuted();
        // As the last line of test.sh, of one class, which one runner has.
        string tests = Succeeds(
            scripts, "dotnet", "tool", "run", "pwsh", "-NoProfile", "test.ps1",
            "-class", "PatchKit.Tests.Display.TicksTests");
        Assert.Matches("(?m)^[1-9][0-9]* passed, 0 failed, [0-9]+ skipped\\s*$", tests);
    }

    [Theory]
    [InlineData("win-x64", "LibTorchSharp.dll", "torch_cpu.dll")]
    [InlineData("osx-arm64", "libLibTorchSharp.dylib", "libtorch_cpu.dylib")]
    public void ItCompilesForOtherPlatforms(string platform, params string[] natives)
    {
        string artifacts = _scratch["artifacts"];
        Succeeds(
            s_home,
            [
                "dotnet", "build", "PatchKit.csproj", "-c", "Release", "-r", platform,
                $"-p:ArtifactsPath={artifacts}", .. s_aside,
            ]);
        var built = Directory.EnumerateFiles(Path.Combine(artifacts, "bin", "PatchKit", "release"))
            .Select(file => Path.GetFileName(file)).ToList();
        output.WriteLine(string.Join(' ', built));
        Assert.Empty(natives.Append("PatchKit.dll").Except(built));
        Assert.DoesNotContain(built, file => file.EndsWith(".so"));
    }

    private void IsExecuted()
    {
        var notebook = SavedNotebook.Load(Ran);
        Assert.Empty(notebook.Cells.SelectMany(cell => cell.Errors));
        Assert.All(notebook.Code, cell => Assert.True(cell.IsExecuted));
    }

    // The files that git knows or would know, as they are now.
    private void Copy()
    {
        var (code, files) = Run(s_home, "git", "ls-files", "--cached", "--others", "--exclude-standard");
        Assert.SkipUnless(code == 0, "this is no checkout of git's, which says what belongs to it");
        foreach (string file in files.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string from = Path.Combine(s_home, file), to = Path.Combine(Checkout, file);
            if (!File.Exists(from)) continue;
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(from, to);
        }
    }

    private string Succeeds(params string[] line) => Succeeds(Checkout, line);

    private string Succeeds(string folder, string[] line)
    {
        var clock = Stopwatch.StartNew();
        var (code, said) = Run(folder, line);
        output.WriteLine($"{string.Join(' ', line)}: {clock.Elapsed.TotalSeconds:0} s\n{said}");
        Assert.True(code == 0, said);
        return said;
    }

    private static (int Code, string Said) Run(string folder, params string[] line)
    {
        var start = new ProcessStartInfo(line[0], line[1..])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Remove("PATCHKIT_NATIVE");
        start.Environment["CXX"] = "/nowhere/c++"; // no compiler, no guard
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        string said = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, said + errors.Result);
    }
}
