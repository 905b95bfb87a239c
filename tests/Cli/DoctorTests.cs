using System.Diagnostics;
using System.Text.Json;
using Xunit;

namespace PatchKit.Tests.Cli;

/// <summary>`patchkit doctor`: what it tells of the engine, and what it says where another libtorch is in the way.</summary>
public sealed class DoctorTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("patchkit-doctor-");

    [Fact]
    public void TellsWhatComputes()
    {
        using var doctor = new ChildProcess("doctor", "--json");
        var (code, output, errors) = doctor.End();
        Assert.True(code == 0, errors);
        var rows = Rows(output);
        Assert.Equal(
            [".NET", "CPU", "launcher", "TorchSharp", "guard", "C++ library", "libtorch", "MKL", "kernels", "threads", "memory", "CUDA", "data parallel", "training", "data", "notebooks"],
            rows.Select(row => row.Name));
        foreach (var (name, found) in new[] { ("TorchSharp", "0.107.0 from "), ("TorchSharp", "woven ("), ("guard", "version 1: "), ("libtorch", "2.10."), ("kernels", "libpatchkit version "), ("data parallel", "Gloo on CPUs") })
            Assert.Contains(found, Assert.Single(rows, row => row.Name == name && row.Standing == "Ok").Found);
        Assert.Contains("path", Assert.Single(rows, row => row.Name == "MKL").Found);
    }

    [Fact]
    public void AnotherLibtorchInTheWayIsNamedAndLeftOutByTheLaunchers()
    {
        // Any library will do that has not what TorchSharp's natives need.
        File.Copy(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "libSystem.Native.so"), Path.Combine(_folder.FullName, "libtorch_cpu.so"));
        using var doctor = ChildProcess.WithVariable($"LD_LIBRARY_PATH={_folder.FullName}", "doctor", "--json");
        var (code, output, _) = doctor.End();
        Assert.Equal(1, code);
        var broken = Assert.Single(Rows(output), row => row.Standing == "Broken");
        Assert.Equal("TorchSharp", broken.Name);
        Assert.Contains($"LD_LIBRARY_PATH names {_folder.FullName}, which holds another libtorch; start as bin/patchkit", broken.Fix);

        Assert.Equal("/opt/lib", PathAfter($"/opt/lib:{_folder.FullName}"));
        Assert.Equal("", PathAfter(_folder.FullName));
        Assert.Equal($"{_folder.FullName}:/opt/lib", PathAfter("/opt/lib", named: _folder.FullName));
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static string PathAfter(string path, string named = "")
    {
        string script = Path.Combine(Path.GetDirectoryName(GpuCheckTests.Script())!, "env.sh");
        var start = new ProcessStartInfo("bash", ["-euc", "source \"$0\"; echo \"$LD_LIBRARY_PATH\"", script]) { RedirectStandardOutput = true };
        (start.Environment["LD_LIBRARY_PATH"], start.Environment["PATCHKIT_LIBTORCH"]) = (path, named);
        using var process = Process.Start(start)!;
        return process.StandardOutput.ReadToEnd().Trim();
    }

    private static List<Row> Rows(string json) => JsonSerializer.Deserialize<List<Row>>(json)!;

    private sealed record Row(string Name, string Standing, string Found, string Fix);
}
