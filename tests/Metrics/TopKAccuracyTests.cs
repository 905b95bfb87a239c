using System.Text.Json;
using PatchKit.Metrics;
using PatchKit.Tests.Golden;
using PatchKit.Tests.Torch;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Metrics;

/// <summary>Top-k accuracy over uneven batches, and the official accuracies of 08_losses.</summary>
public sealed class TopKAccuracyTests
{
    [Fact]
    public void UnevenBatchesAreCountedByImages()
    {
        using var scope = NewDisposeScope();
        var accuracy = new TopKAccuracy(1, 2);
        // first, second, third
        accuracy.Add(
            tensor(
                new float[,]
                {
                    { 3, 2, 1 },
                    { 1, 3, 2 },
                    { 1, 2, 3 },
                }
            ),
            tensor(new long[] { 0, 2, 0 })
        );
        accuracy.Add(
            tensor(
                new float[,]
                {
                    { 0, 1, 2 },
                }
            ),
            tensor(new long[] { 2 })
        );
        Assert.Equal((4, 50.0, 75.0), (accuracy.Count, accuracy.Percent(), accuracy.Percent(2)));
    }

    [Fact]
    public void MoreThanAllClassesIsEverything()
    {
        using var scope = NewDisposeScope();
        var accuracy = new TopKAccuracy();
        accuracy.Add(rand([7, 3]), zeros([7], dtype: int64));
        Assert.Equal(100, accuracy.Percent(5));
    }

    [Fact]
    public void WhatCannotBeCountedIsRefused()
    {
        using var scope = NewDisposeScope();
        Expect.Refused<ArgumentException>(() => new TopKAccuracy(0), "top-0");
        Expect.Refused<ArgumentException>(() => new TopKAccuracy().Percent(3), "top-3", "top-1, top-5");
        Expect.Refused<ArgumentException>(
            () => new TopKAccuracy().Add(rand([7, 3]), zeros([6], dtype: int64)),
            "[7, 3]",
            "[6]"
        );
    }

    public static IEnumerable<TheoryDataRow<string>> Cases =>
        GoldenFile.Cases(
            "08_losses",
            file => file.Json.GetProperty("acc1_acc5").EnumerateArray().Select((_, i) => i == 0 ? "1" : "5")
        );

    [Theory, MemberData(nameof(Cases))]
    public void Golden(string k)
    {
        using var scope = NewDisposeScope();
        var golden = GoldenFile.Open("08_losses");
        var accuracy = new TopKAccuracy();
        accuracy.Add(golden.Tensor("in.logits"), golden.Tensor("in.target"));
        JsonElement expected = golden.Json.GetProperty("acc1_acc5")[k == "1" ? 0 : 1];
        Assert.Equal(expected.GetDouble(), accuracy.Percent(int.Parse(k)), 1e-9);
    }
}
