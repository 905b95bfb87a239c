using System.Diagnostics;
using System.Text.RegularExpressions;
using Xunit;

namespace PatchKit.Tests.Cli;

/// <summary>The parts of environment/gpu-check.sh that run without a GPU and without a kit.</summary>
public sealed class GpuCheckTests
{
    private static readonly string s_script = Script();

    [Fact]
    public void EveryStepThatIsListedIsThere()
    {
        var (code, output, _) = Run("steps");
        string[] steps = output.Trim().Split(' ');
        Assert.Equal(0, code);
        Assert.Equal(["native", "doctor", "kernels"], steps[..3]);
        Assert.Equal(steps.Order(), Regex.Matches(File.ReadAllText(s_script), @"^step_([\w-]+)\(\)", RegexOptions.Multiline).Select(match => match.Groups[1].Value).Order());
    }

    [Theory]
    [InlineData("'kernel' is no step; the steps are: native doctor kernels", "kernel")]
    [InlineData("name a step (native doctor kernels")]
    [InlineData("'/nowhere' is no folder; --data takes the one that holds the images.", "pack", "--data", "/nowhere")]
    public void WhatIsWrongIsSaid(string sentence, params string[] arguments)
    {
        var (code, _, errors) = Run(arguments);
        Assert.Equal(2, code);
        Assert.Contains(sentence, errors);
    }

    private static (int Code, string Output, string Errors) Run(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("bash", [s_script, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, errors.Result);
    }

    // The tests lie in the repository, or beside its environment/ where the kit was unpacked.
    internal static string Script()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (Path.Combine(folder.FullName, "environment", "gpu-check.sh") is var script && File.Exists(script)) return script;
        throw new FileNotFoundException($"environment/gpu-check.sh is in no folder above {AppContext.BaseDirectory}.");
    }
}
