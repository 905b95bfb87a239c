using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using PatchKit.Cli;
using PatchKit.Tests.Platforms;
using Xunit;

namespace PatchKit.Tests.Cli;

/// <summary>
/// `patchkit doctor`: what it tells of the engine, and what it says where another libtorch is in the way.
/// </summary>
public sealed class DoctorTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("patchkit-doctor-");

    [Fact, Trait("speed", "seconds")]
    public void ADeviceThatIsNotThereIsAnError()
    {
        var missing = Assert.Throws<ArgumentException>(() =>
            CommandRun.Of(CommandLine.Create(), "doctor", "--device", "cuda:99")
        );
        Assert.StartsWith("cuda:99 was asked for, but libtorch finds", missing.Message);
    }

    [Fact, Trait("speed", "seconds")]
    public void TellsWhatComputes()
    {
        using var doctor = new ChildProcess("doctor", "--json");
        var (code, output, errors) = doctor.End();
        Assert.True(code == 0, errors);
        var rows = Rows(output);
        Assert.Equal(
            [
                ".NET",
                "CPU",
                "launcher",
                "TorchSharp",
                "guard",
                "C++ library",
                "libtorch",
                "MKL",
                "convolutions",
                "kernels",
                "images",
                "threads",
                "memory",
                "CUDA",
                "data parallel",
                "training",
                "data",
                "notebooks",
            ],
            rows.Select(row => row.Name)
        );
        string[] told =
        [
            "TorchSharp: 0.107.0 from ",
            "TorchSharp: .*woven \\(",
            "guard: version 3",
            "libtorch: 2\\.10\\.",
            "MKL: .*path",
            "kernels: libpatchkit version ",
            "data parallel: .*Gloo on CPUs",
        ];
        Assert.All(
            told,
            line =>
                Assert.Contains(
                    rows,
                    row => row.Standing == "Ok" && Regex.IsMatch($"{row.Name}: {row.Found}", $"^{line}")
                )
        );
    }

    [Fact]
    public void AnotherLibtorchInTheWayIsNamedAndLeftOutByTheLaunchers()
    {
        foreach (string library in new[] { "libtorch_cpu.so", "libc10.so" })
            File.WriteAllText(Path.Combine(_folder.FullName, library), "not the one that TorchSharp needs");
        using var doctor = ChildProcess.WithVariable($"LD_LIBRARY_PATH={_folder.FullName}", "doctor", "--json");
        var (code, output, _) = doctor.End();
        Assert.Equal(1, code);
        var broken = Assert.Single(Rows(output), row => row.Standing == "Broken");
        Assert.Equal("TorchSharp", broken.Name);
        Assert.Contains(
            $"LD_LIBRARY_PATH names {_folder.FullName}, which holds another libtorch; start as bin/patchkit",
            broken.Fix
        );

        Assert.Equal("/opt/lib", PathAfter($"/opt/lib:{_folder.FullName}"));
        Assert.Equal("", PathAfter(_folder.FullName));
        Assert.Equal($"{_folder.FullName}:/opt/lib", PathAfter("/opt/lib", named: _folder.FullName));
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static string PathAfter(string path, string named = "")
    {
        string script = Path.Combine(Path.GetDirectoryName(GpuCheckTests.Script())!, "..", "env.sh");
        var start = new ProcessStartInfo("bash", ["-euc", "source \"$0\"; echo \"$LD_LIBRARY_PATH\"", script])
        {
            RedirectStandardOutput = true,
        };
        (start.Environment["LD_LIBRARY_PATH"], start.Environment["PATCHKIT_LIBTORCH"]) = (path, named);
        using var process = Process.Start(start)!;
        return process.StandardOutput.ReadToEnd().Trim();
    }

    private static List<Row> Rows(string json) => JsonSerializer.Deserialize<List<Row>>(json)!;

    private sealed record Row(string Name, string Standing, string Found, string Fix);
}
