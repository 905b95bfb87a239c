using System.Text.Json;
using PatchKit.Models;
using PatchKit.Tests.Golden;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Models;

/// <summary>
/// A fresh Adventurer-Tiny against 04_init_stats: one draw of the official initialisation. Two draws differ by their
/// sampling error.
/// </summary>
public sealed class InitGolden
{
    private const string File = "04_init_stats";
    private const double Deviations = 6;

    private static readonly Lazy<Dictionary<string, Tensor>> State = new(() =>
    {
        manual_seed(0);
        return ModelZoo.Find("adventurer-tiny").Create().state_dict();
    });

    public static IEnumerable<TheoryDataRow<string>> Names =>
        GoldenFile.Cases(File, file => file.Json.GetProperty("stats").EnumerateObject().Select(entry => entry.Name));

    [Theory, MemberData(nameof(Names))]
    public void MeanDeviationAndRangeAgree(string name)
    {
        using var scope = NewDisposeScope();
        var reference = GoldenFile.Open(File).Json.GetProperty("stats").GetProperty(name);
        double Reference(string key) => reference.GetProperty(key).GetDouble();
        var values = State.Value[name].detach().to(ScalarType.Float64);
        Assert.Equal(reference.GetProperty("shape").Deserialize<long[]>()!, values.shape);

        double n = values.numel(),
            std = Reference("std");
        if (std == 0)
        {
            Assert.Equal(
                (Reference("min"), Reference("max")),
                (values.min().item<double>(), values.max().item<double>())
            );
            return;
        }
        // A mean's sampling error is std / sqrt(n); a deviation's at most std / sqrt(2 n), for a normal distribution;
        // both sides have it.
        Assert.Equal(Reference("mean"), values.mean().item<double>(), Deviations * std * Math.Sqrt(2 / n));
        Assert.Equal(std, values.std().item<double>(), Deviations * std * Math.Sqrt(1 / n));

        // The range: a uniform one is filled to its ends, a normal one's ends grow slowly with n.
        double width = Reference("max") - Reference("min"),
            slack = name.EndsWith("dt_bias") || name.EndsWith("A_log") ? 1 : 0.25;
        Assert.Equal(width, (values.max() - values.min()).item<double>(), slack * width);
    }

    [Fact]
    public void UniformWeightsFillTheirBoundAndNoMore()
    {
        foreach (
            var (name, weight) in State.Value.Where(entry => entry.Key.StartsWith("layers.") && entry.Value.ndim > 1)
        )
        {
            double fanIn = (double)weight.numel() / weight.shape[0];
            double bound = 1 / Math.Sqrt(fanIn) / (name.EndsWith("out_proj.weight") ? Math.Sqrt(12) : 1);
            Assert.InRange(weight.abs().max().item<float>(), 0.99 * bound, bound * (1 + 1e-6));
        }
    }

    [Fact]
    public void StepSizesAndDecaysLieInTheirRanges()
    {
        foreach (var (name, value) in State.Value)
        {
            if (name.EndsWith("dt_bias"))
                AssertWithin(0.001, 0.1, nn.functional.softplus(value));
            if (name.EndsWith("A_log"))
                AssertWithin(1, 16, value.exp());
        }
    }

    [Fact, Trait("speed", "seconds")]
    public void PixelPatchEmbeddingsAreCutAtTwo()
    {
        using var model = new Adventurer(
            new()
            {
                Height = 4,
                Width = 4,
                PatchSize = 1,
                EmbedDim = 4096,
                HeadDim = 4096,
                StateDim = 1,
                Depth = 1,
                MlpRatio = 0.001,
            }
        );
        var weight = model.state_dict()["patch_embed.proj.weight"];
        Assert.Equal(0.656, weight.std().item<float>(), 0.03);
        AssertWithin(-2, 2, weight);
        Assert.True(weight.abs().max().item<float>() > 1.8);
    }

    [Fact]
    public void TransformersWeightsAreNormalAndTheirBiasesZero()
    {
        using var model = new VisionTransformer(
            new()
            {
                Height = 32,
                Width = 32,
                PatchSize = 8,
                EmbedDim = 192,
                Depth = 1,
                Heads = 3,
            }
        );
        foreach (var (name, value) in model.state_dict())
        {
            if (name.StartsWith("patch_embed"))
                continue; // Conv2d's own initialisation, as in timm
            if (value.ndim == 1)
                Assert.Equal(name.Contains("norm") && name.EndsWith("weight") ? 1 : 0, value.min().item<float>());
            else
                Assert.Equal(0.02, value.std().item<float>(), 0.12 / Math.Sqrt(2 * value.numel()));
            if (value.ndim == 1)
                Assert.Equal(value.min().item<float>(), value.max().item<float>());
        }
    }

    private static void AssertWithin(double low, double high, Tensor values)
    {
        double rounding = 1e-3 * Math.Abs(high);
        Assert.InRange(values.min().item<float>(), low - rounding, high);
        Assert.InRange(values.max().item<float>(), low, high + rounding);
    }
}
