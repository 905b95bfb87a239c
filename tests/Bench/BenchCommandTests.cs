using System.Text.Json;
using PatchKit.Bench;
using PatchKit.Cli;
using PatchKit.Tests.Cli;
using Xunit;

namespace PatchKit.Tests.Bench;

/// <summary>
/// The benchmarks that measure one device, at sizes that take a moment: what they report, not how fast.
/// </summary>
[Trait("speed", "seconds")]
public sealed class BenchCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("patchkit-bench-tests-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void StepsReportEachModelAtEachPatchAndHowTheyGrow()
    {
        using var report = Measured(
            "steps",
            "--device",
            "cpu",
            "--model",
            "deit-tiny",
            "adventurer-tiny",
            "--input",
            "16",
            "--patch",
            "16",
            "8",
            "--batch",
            "2",
            "--pairs",
            "1",
            "--seconds",
            "0"
        );
        string[] figures = [.. Figures(report).Select(figure => figure.Subject)];
        foreach (string model in new[] { "deit-tiny", "adventurer-tiny" })
        {
            Assert.Contains($"{model}, p = 16, 2 x 2 tokens: throughput", figures);
            Assert.Contains($"{model}, p = 8, 2 x 5 tokens: throughput", figures);
            Assert.Contains($"{model}: time of an image at p = 8 over p = 16", figures);
        }
        Assert.All(
            Figures(report),
            figure =>
                Assert.True(figure.Value > 0 && double.IsFinite(figure.Value), $"{figure.Subject} is {figure.Value}")
        );
        Assert.Empty(report.RootElement.GetProperty("measurements").EnumerateArray());
    }

    [Fact]
    public void ThePeerTrainsTheSameModel()
    {
        using (var python = PythonPeer.Start("peer_tensors.py", "steps_peer.py"))
            Assert.SkipWhen(python is null, "no python3 here can import torch");
        // A peer that found another loss would have been refused.
        using var report = Measured(
            "steps",
            "--device",
            "cpu",
            "--peer",
            "--model",
            "deit-tiny",
            "--input",
            "16",
            "--patch",
            "8",
            "--batch",
            "2",
            "--pairs",
            "1",
            "--seconds",
            "0"
        );
        var row = Assert.Single(report.RootElement.GetProperty("measurements").EnumerateArray());
        Assert.Equal("deit-tiny, p = 8, 2 x 5 tokens", row.GetProperty("Subject").GetString());
        Assert.StartsWith("eager PyTorch", row.GetProperty("Peer").GetString());
        Assert.True(row.GetProperty("Ratio").GetDouble() > 0);
    }

    [Fact]
    public void TheScanOnADeviceStandsBesideItsChunkedFormAndTheDevicesOwnSpeed()
    {
        using var report = Measured(
            "scan",
            "--device",
            "cpu",
            "--dtype",
            "float32",
            "--batch",
            "2",
            "--length",
            "70",
            "--heads",
            "2",
            "--head-dim",
            "8",
            "--state-dim",
            "4",
            "--pairs",
            "1"
        );
        Assert.Contains(
            report.RootElement.GetProperty("measurements").EnumerateArray(),
            row => row.GetProperty("Peer").GetString() == "chunked, float32"
        );
        Assert.Contains(Figures(report), figure => figure.Subject.Contains("share of that speed") && figure.Value > 0);
    }

    [Fact]
    public void AttentionOnADeviceStandsBesideTheDevicesOwnSpeed()
    {
        using var report = Measured(
            "attention",
            "--device",
            "cpu",
            "--dtype",
            "float32",
            "--batch",
            "1",
            "--length",
            "33",
            "--heads",
            "2",
            "--head-dim",
            "8",
            "--pairs",
            "1"
        );
        Assert.Contains(Figures(report), figure => figure.Subject.Contains("share of that speed") && figure.Value > 0);
    }

    [Theory]
    [InlineData("a batch of 0 images trains nothing", "steps", "--device", "cpu", "--batch", "0")]
    [InlineData("patch size 5 does not divide", "steps", "--device", "cpu", "--patch", "5")]
    [InlineData("there is no model \"deit-small-er\"", "steps", "--device", "cpu", "--model", "deit-small-er")]
    [InlineData("has nothing to do; give sizes of at least 1", "scan", "--device", "cpu", "--heads", "0")]
    [InlineData("has nothing to do; give sizes of at least 1", "attention", "--device", "cpu", "--length", "-1")]
    public void WhatCannotBeMeasuredIsSaid(string sentence, params string[] arguments) =>
        Assert.Contains(
            sentence,
            Assert.ThrowsAny<ArgumentException>(() => CommandRun.Of(BenchCommand.Create(), arguments)).Message
        );

    private JsonDocument Measured(params string[] arguments)
    {
        string json = Path.Combine(_folder, "report.json");
        Assert.Equal(0, CommandRun.Of(BenchCommand.Create(), [.. arguments, "--json", json]).Code);
        return JsonDocument.Parse(File.ReadAllBytes(json));
    }

    private static IEnumerable<(string Subject, double Value)> Figures(JsonDocument report) =>
        report
            .RootElement.GetProperty("figures")
            .EnumerateArray()
            .Select(figure => (figure.GetProperty("Subject").GetString()!, figure.GetProperty("Value").GetDouble()));
}
