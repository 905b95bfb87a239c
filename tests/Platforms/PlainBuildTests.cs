using System.Diagnostics;
using System.Text.Json;
using PatchKit.Tests.Cli;
using PatchKit.Tests.Data.Images;
using PatchKit.Tests.Notebooks;
using Xunit;

namespace PatchKit.Tests.Platforms;

/// <summary>
/// What needs nothing but the .NET SDK, on a copy of the checkout that nobody has set up and where no C++ compiler is:
/// two builds, by run.ps1 where PowerShell can be had, and what they made, without guard and libpatchkit; run.sh; and
/// the builds for other platforms. What the built program does without libpatchkit, in a checkout that is set up:
/// <see cref="WithoutLibpatchkitTests"/>.
/// </summary>
[Trait("speed", "slow"), Trait("needs", "feed"), Trait("work", "processes")]
public sealed class PlainBuildTests(ITestOutputHelper output, PlainBuildTests.Plain plain)
    : IClassFixture<PlainBuildTests.Plain>
{
    private static readonly string s_home = Tests.Checkout.Home;
    private static readonly string[] s_aside = ["-nodeReuse:false", "-p:UseSharedCompilation=false"];

    [Fact]
    public void TwoBuildsAreEnoughForNotebook02()
    {
        plain.Build(output);
        plain.IsExecuted();
        string doctor = Succeeds(plain.Checkout, "dotnet", "bin/PatchKit.dll", "doctor");
        Assert.Contains("decoded by ImageSharp", doctor);
        Assert.Contains("tensor operators take their place", doctor);
    }

    // The notebook was executed by run.ps1 then, which prints the report, too.
    [Fact]
    public void PowerShellRunsTable1()
    {
        plain.Build(output);
        Assert.SkipUnless(
            plain.HasPowerShell,
            "PowerShell is the tool in .config/dotnet-tools.json, which is in no package source here"
        );
        Assert.Contains("Charts and all: ", plain.Said);
        Assert.Contains("Table 1: ", plain.Said);
        Assert.True(File.Exists(plain["out/02-table-1-patch-size.html"]));
    }

    [Fact]
    public void ItScoresAndPredicts()
    {
        Everything.OrSkip();
        plain.Build(output);
        using var scored = new ScoredModel();
        string photo = Path.Combine(ImageFiles.Folder, "colour_444.jpg");
        string[] verb = ["dotnet", "bin/PatchKit.dll", "eval", .. scored.Options, "--data", scored["val"], "--json"];
        string said = Succeeds(plain.Checkout, verb);
        double loss = JsonDocument
            .Parse(said[said.IndexOf('{')..(said.LastIndexOf('}') + 1)])
            .RootElement.GetProperty("loss")
            .GetDouble();
        var images = scored.Images;
        double ours = scored.Score(images, Enumerable.Range(0, images.Count)).Loss;
        output.WriteLine($"loss {loss}, with libpatchkit {ours}");
        Assert.InRange(loss, ours - 0.01, ours + 0.01); // a JPEG's pixels differ by a few levels
        verb[2] = "predict";
        said = Succeeds(plain.Checkout, [.. verb[..^3], photo]);
        Assert.Contains(photo, said);
    }

    // As the last line of test.sh, of one class, which one runner has. Its projects take two minutes to build.
    [Fact]
    public void PowerShellRunsTests()
    {
        Everything.OrSkip();
        plain.Build(output);
        Assert.SkipUnless(plain.HasPowerShell, "PowerShell is in no package source here");
        string tests = Succeeds(
            plain.Checkout,
            "dotnet",
            "tool",
            "run",
            "pwsh",
            "-NoProfile",
            "environment/test.ps1",
            "-class",
            "PatchKit.Tests.Display.Figures.TicksTests"
        );
        Assert.Matches("(?m)^[1-9][0-9]* passed, 0 failed, [0-9]+ skipped\\s*$", tests);
    }

    [Fact]
    public void SetUpSaysWhatIsSlowerAndRuns()
    {
        Everything.OrSkip();
        using var fresh = new Plain();
        fresh.Copy();
        string said = Succeeds(fresh.Checkout, "bash", "environment/run.sh", "--set", "scale=smoke");
        Assert.Contains("Everything works without a C++17 compiler such as g++ 12, some of it slower", said);
        fresh.IsExecuted();
    }

    [Theory]
    [InlineData("win-x64", "LibTorchSharp.dll", "torch_cpu.dll")]
    [InlineData("osx-arm64", "libLibTorchSharp.dylib", "libtorch_cpu.dylib")]
    public void ItCompilesForOtherPlatforms(string platform, params string[] natives)
    {
        Everything.OrSkip();
        using var scratch = new Scratch();
        string artifacts = $"-p:ArtifactsPath={scratch["artifacts"]}";
        foreach (string project in new[] { "PatchKit.csproj", "environment/kernel/csnotebook.csproj" })
            Succeeds(s_home, ["dotnet", "build", project, "-c", "Release", "-r", platform, artifacts, .. s_aside]);
        var built = Directory
            .EnumerateFiles(scratch["artifacts/bin/PatchKit/release"])
            .Select(file => Path.GetFileName(file))
            .ToList();
        output.WriteLine(string.Join(' ', built));
        Assert.Empty(natives.Append("PatchKit.dll").Except(built));
        Assert.DoesNotContain(built, file => file.EndsWith(".so"));
    }

    private string Succeeds(string folder, params string[] line) => Plain.Succeeds(output, folder, line);

    /// <summary>A copy of the checkout, built once for all tests that ask.</summary>
    public sealed class Plain : IDisposable
    {
        private readonly Scratch _scratch = new();
        private readonly Lock _one = new();

        internal string Checkout => _scratch["copy"];

        /// <summary>Whether run.ps1 did it.</summary>
        internal bool HasPowerShell { get; private set; }

        /// <summary>What the build and the notebook said.</summary>
        internal string? Said { get; private set; }

        internal string this[string path] => Path.Combine(Checkout, path);

        public void Dispose() => _scratch.Dispose();

        /// <summary>
        /// Two builds and notebook 02 at smoke, as run.ps1 does it or, where no PowerShell is, as README says.
        /// </summary>
        internal void Build(ITestOutputHelper output)
        {
            lock (_one)
            {
                if (Said is not null)
                    return;
                Copy();
                Run(Checkout, "dotnet", "tool", "restore");
                string[] shell = ["dotnet", "tool", "run", "pwsh", "-NoProfile"];
                HasPowerShell = Run(Checkout, [.. shell, "-Command", "exit 0"]).Code == 0;
                if (HasPowerShell)
                {
                    Said = Succeeds(output, Checkout, [.. shell, "environment/run.ps1", "--set", "scale=smoke"]);
                    return;
                }
                string said = "";
                foreach (string project in new[] { "PatchKit.csproj", "environment/kernel/csnotebook.csproj" })
                    said += Succeeds(output, Checkout, ["dotnet", "build", project, "-c", "Release", .. s_aside]);
                Directory.CreateDirectory(this["out"]);
                Said =
                    said
                    + Succeeds(
                        output,
                        Checkout,
                        [
                            "dotnet",
                            "bin/csnotebook.dll",
                            "run",
                            "notebooks/02-table-1-patch-size.ipynb",
                            "--set",
                            "scale=smoke",
                            "--out",
                            "out/02-table-1-patch-size.ipynb",
                        ]
                    );
            }
        }

        internal void IsExecuted()
        {
            var notebook = SavedNotebook.Load(this["out/02-table-1-patch-size.ipynb"]);
            Assert.Empty(notebook.Cells.SelectMany(cell => cell.Errors));
            Assert.All(notebook.Code, cell => Assert.True(cell.IsExecuted));
        }

        /// <summary>Copies the files that git knows or would know, as they are now.</summary>
        internal void Copy()
        {
            var (code, files) = Run(s_home, "git", "ls-files", "--cached", "--others", "--exclude-standard");
            Assert.SkipUnless(code == 0, "this is no checkout of git's, which says what belongs to it");
            foreach (string file in files.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                string from = Path.Combine(s_home, file);
                if (!File.Exists(from))
                    continue;
                Directory.CreateDirectory(Path.GetDirectoryName(this[file])!);
                File.Copy(from, this[file]);
            }
        }

        internal static string Succeeds(ITestOutputHelper output, string folder, string[] line)
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
            foreach (string set in new[] { "PATCHKIT_NATIVE", "CI" })
                start.Environment.Remove(set);
            start.Environment["CXX"] = "/nowhere/c++"; // no compiler, no guard
            start.Environment["RunAnalyzers"] = "false"; // MSBuild reads it; they ran when this checkout was built
            using var process = Process.Start(start)!;
            var errors = process.StandardError.ReadToEndAsync();
            string said = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return (process.ExitCode, said + errors.Result);
        }
    }
}
