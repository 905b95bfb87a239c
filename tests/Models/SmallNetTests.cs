using PatchKit.Models;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Models;

/// <summary>The small nets' initial weights.</summary>
public sealed class SmallNetTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public SmallNetTests() => manual_seed(0);

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void WeightsHaveTheStatedDeviations()
    {
        using var model = SmallNet.Vit(16, 4, 16).Create();
        var expected = new Dictionary<string, double>
        {
            ["patch_embed.proj.weight"] = 1 / Math.Sqrt(48),
            ["head.weight"] = .02,
            ["blocks.0.attn.qkv.weight"] = .8 / Math.Sqrt(48),
            ["blocks.1.attn.proj.weight"] = .8 / Math.Sqrt(48),
            ["blocks.0.mlp.fc1.weight"] = .8 / Math.Sqrt(48),
            ["blocks.1.mlp.fc2.weight"] = .8 / Math.Sqrt(192),
        };
        foreach (var (name, parameter) in model.named_parameters())
        {
            if (expected.TryGetValue(name, out double deviation))
                Assert.Equal(
                    deviation,
                    parameter.std().item<float>(),
                    4 * deviation / Math.Sqrt(2.0 * parameter.numel())
                );
            if (name.EndsWith("bias"))
                Assert.Equal(0, parameter.abs().max().item<float>());
            Assert.True(parameter.requires_grad, name);
        }
    }

    [Fact]
    public void PositionsAreTheSinesAndCosinesOfTheirPlaces()
    {
        var code = SmallNet.SinCos(2, 4, 48);
        Assert.Equal([8, 48], code.shape);
        double y = 12,
            x = 16 * 2.5 / 4,
            f = Math.Pow(100, -3 / 12.0); // token (1, 2), frequency 3
        double[] expected = [Math.Sin(y * f), Math.Cos(y * f), Math.Sin(x * f), Math.Cos(x * f)];
        for (int part = 0; part < 4; part++)
            Assert.Equal(expected[part], code[6, part * 12 + 3].item<float>(), 1e-5);
        var names = Assert.Throws<ArgumentException>(() => SmallNet.SinCos(2, 2, 50)).Message;
        Assert.Contains("50", names);
    }

    [Fact]
    public void PositionsStandBesideTheClassToken()
    {
        using var vit = SmallNet.Vit(16, 8, 16).Create();
        using var adventurer = SmallNet.Initialized(
            new Adventurer(
                new AdventurerConfig
                {
                    Height = 16,
                    Width = 16,
                    PatchSize = 8,
                    EmbedDim = 64,
                    Depth = 2,
                    Classes = 16,
                }
            )
        );
        foreach (
            var (model, cls, first, width) in new (Backbone, int, int, int)[]
            {
                (vit, 0, 1, 48),
                (adventurer, 4, 0, 64),
            }
        )
        {
            var positions = model.named_parameters().First(p => p.name == "pos_embed").parameter.detach()[0];
            Assert.Equal(0, positions[cls].abs().max().item<float>());
            Assert.True(positions.narrow(0, first, 4).allclose(SmallNet.SinCos(2, 2, width) * .5));
        }
    }
}
