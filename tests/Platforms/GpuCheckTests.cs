using System.Diagnostics;
using System.Text.RegularExpressions;
using PatchKit.Torch;
using Xunit;

namespace PatchKit.Tests.Platforms;

/// <summary>The parts of environment/gpu-check/dotnet.sh that run without a GPU and without a kit.</summary>
[Trait("speed", "seconds"), Trait("work", "processes")]
public sealed class GpuCheckTests
{
    private static readonly string s_script = Script();

    [Fact]
    public void EveryStepThatIsListedIsThere()
    {
        var (code, output, _) = Run("bash", s_script, "steps");
        string[] steps = output.Trim().Split(' ');
        Assert.Equal(0, code);
        Assert.Equal(["libtorch", "native", "doctor", "kernels"], steps[..4]);
        Assert.Equal(
            steps.Order(),
            Regex
                .Matches(File.ReadAllText(s_script), @"^step_([\w-]+)\(\)", RegexOptions.Multiline)
                .Select(match => match.Groups[1].Value)
                .Order()
        );
    }

    [Fact]
    public void EveryGroupOfTestsIsANamespace()
    {
        var lists = Regex.Matches(File.ReadAllText(s_script), @"\b(?:first|elsewhere)=\(([\w ]+)\)");
        var namespaces = typeof(GpuCheckTests).Assembly.GetTypes().Select(type => type.Namespace).ToHashSet();
        Assert.Equal(2, lists.Count);
        Assert.All(
            lists.SelectMany(list => list.Groups[1].Value.Split(' ')),
            name => Assert.Contains($"PatchKit.Tests.{name}", namespaces)
        );
    }

    [Theory]
    [InlineData("'kernel' is no step; the steps are: libtorch native doctor kernels", "kernel")]
    [InlineData("name a step (libtorch native doctor kernels")]
    [InlineData("'/nowhere' is no folder; --data takes the one that holds the images.", "pack", "--data", "/nowhere")]
    public void WhatIsWrongIsSaid(string sentence, params string[] arguments)
    {
        var (code, _, errors) = Run("bash", [s_script, .. arguments]);
        Assert.Equal(2, code);
        Assert.Contains(sentence, errors);
    }

    [Fact]
    public void TheKernelsAreCheckedWithoutDotNetAsWell()
    {
        Assert.SkipUnless(Run("bash", "-c", "command -v python3").Code == 0, "python3 is not here.");
        string report = Path.GetTempFileName();
        string library = Path.Combine(
            Path.GetDirectoryName(NativeLibraries.Find(out _))!,
            "libpatchkit_cuda_emulated.so"
        );
        string[] arguments =
        [
            Path.Combine(Path.GetDirectoryName(s_script)!, "kernels.py"),
            "--emulate",
            "--library",
            library,
            "--json",
            report,
        ];
        try
        {
            var (code, output, errors) = Run("python3", arguments);
            Assert.True(code == 0, output + errors);
            Assert.Contains("golden, float32: 21 checked, 0 failed", output);
            Assert.Contains("golden, narrow: 38 checked, 0 failed", output);
            Assert.Contains("nms: 3 checked, 0 failed", output);
        }
        finally
        {
            File.Delete(report);
        }
    }

    [Fact]
    public void TheKernelsCompileForGpus()
    {
        var (code, output, errors) = Run(
            "bash",
            Path.Combine(Path.GetDirectoryName(Path.GetDirectoryName(s_script)!)!, "check-cuda-sources.sh")
        );
        if (code == 2)
            Assert.Skip(errors);
        Assert.True(code == 0, output + errors);
        foreach (
            string source in new[]
            {
                "causal_conv",
                "library",
                "nms",
                "norm",
                "roi_align",
                "ssd_scan",
                "ssd_scan_backward",
            }
        )
        foreach (string architecture in new[] { "sm_80", "sm_90" })
            Assert.Matches($@"(?m)^{source}, {architecture}: [1-9]\d* kernels$", output);
    }

    private static (int Code, string Output, string Errors) Run(string program, params string[] arguments)
    {
        using var process = Process.Start(
            new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true }
        )!;
        var errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, errors.Result);
    }

    internal static string Script() => Checkout.Path("environment", "gpu-check", "dotnet.sh");
}
