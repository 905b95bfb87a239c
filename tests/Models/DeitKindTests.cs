using PatchKit.Checkpoints;
using PatchKit.Models;
using PatchKit.Tests.Cli;
using PatchKit.Training.Runs;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using Expect = PatchKit.Tests.Torch.Expect;

namespace PatchKit.Tests.Models;

/// <summary>
/// The distilled DeiT and DeiT-III score as their authors have them, by a reference of plain operators:
/// github.com/facebookresearch/deit, models.py (two tokens, 198 positions, the mean of both heads) and models_v2.py
/// (positions are added before the class token is set in front; gamma_1, gamma_2).
/// https://github.com/facebookresearch/deit/issues/82 (both heads at inference),
/// https://github.com/OliverRensu/TinyMIM/issues/6 (198 positions),
/// https://github.com/huggingface/pytorch-image-models/pull/1365 and https://github.com/microsoft/Cream/issues/238 (196
/// positions).
/// </summary>
public sealed class DeitKindTests
{
    private static readonly Dictionary<string, VisionTransformerConfig> Kinds = new()
    {
        ["plain"] = new() { PatchSize = 8 },
        ["distilled"] = new() { PatchSize = 8, Distilled = true },
        ["DeiT-III"] = new()
        {
            PatchSize = 8,
            NoEmbedClass = true,
            LayerScale = 1e-4,
        },
        ["LayerScale alone"] = new() { PatchSize = 8, LayerScale = 1e-4 },
        ["all at once"] = new()
        {
            PatchSize = 8,
            Distilled = true,
            NoEmbedClass = true,
            LayerScale = 1e-4,
        },
    };

    public static IEnumerable<TheoryDataRow<string>> Names =>
        Kinds.Keys.Select(name => new TheoryDataRow<string>(name));

    [Theory, MemberData(nameof(Names))]
    public void ScoresAreTheAuthors(string kind)
    {
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        using var vit = new OwnVit(Kinds[kind]);
        double[] expected = [.. Reference(vit).softmax(1)[0].to(float64).data<double>()];
        double[] found = OwnVit.Probabilities(vit.Predict(vit.Write("official.safetensors")));
        Assert.Equal(OwnVit.Classes, found.Length);
        Assert.All(expected.Zip(found), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
    }

    /// <summary>timm calls LayerScale's factors ls1.gamma and ls2.gamma.</summary>
    [Fact]
    public void TimmsNamesAreReadToo()
    {
        using var vit = new OwnVit(Kinds["DeiT-III"]);
        var official = vit.Predict(vit.Write("official.safetensors"));
        var timm = vit.Predict(
            vit.Write("timm.safetensors", name => name.Replace("gamma_1", "ls1.gamma").Replace("gamma_2", "ls2.gamma"))
        );
        Assert.Equal((0, official.Output), (timm.Code, timm.Output));
        Assert.Contains("DeiT-III", timm.Errors);
        Assert.Contains("ls1.gamma", timm.Errors);
    }

    [Theory, MemberData(nameof(Names))]
    public void AnotherInputSizeKeepsTheTokensBesideThePatches(string kind)
    {
        using var vit = new OwnVit(Kinds[kind]);
        var run = vit.Predict(vit.Write("official.safetensors"), "--input", "48");
        Assert.Equal(0, run.Code);
        Assert.Contains(
            $"note: pos_embed [1, {16 + vit.Config.ExtraPositions}, 24] -> "
                + $"[1, {36 + vit.Config.ExtraPositions}, 24], resized bicubically",
            run.Errors
        );
    }

    [Theory, MemberData(nameof(Names))]
    public void ParametersAreCountedAndHaveGradients(string kind)
    {
        using var scope = NewDisposeScope();
        using var model = new VisionTransformer(
            Kinds[kind] with
            {
                Height = 16,
                Width = 16,
                EmbedDim = 24,
                Depth = 2,
                Heads = 3,
                Classes = 5,
            }
        );
        Assert.Equal(model.parameters().Sum(parameter => parameter.numel()), model.Config.Cost().Parameters);
        model.call(randn([2, 3, 16, 16])).square().sum().backward();
        Assert.All(
            model.named_parameters(),
            entry =>
                Assert.True(
                    entry.parameter.grad is { } gradient && gradient.abs().sum().item<float>() > 0,
                    $"{entry.name} has no gradient"
                )
        );
        var features = model.Features(randn([2, 3, 16, 16]));
        Assert.Equal([2, 4, 24], features.Tokens.shape);
        Assert.Equal([2, 24], features.Cls.shape);
    }

    [Fact]
    public void APlainModelRefusesThemByName()
    {
        using var scope = NewDisposeScope();
        foreach (
            var (kind, words) in new[]
            {
                ("distilled", new[] { "a distilled DeiT", "Distilled = true" }),
                ("DeiT-III", ["DeiT-III", "NoEmbedClass = true", "LayerScale = 1e-4"]),
            }
        )
        {
            using var vit = new OwnVit(Kinds[kind]);
            using var plain = new VisionTransformer(
                vit.Config with
                {
                    Distilled = false,
                    NoEmbedClass = false,
                    LayerScale = 0,
                }
            );
            Expect.Refused<CheckpointException>(() => ModelCheckpoint.Load(plain, vit.Weights), words);
        }
    }

    [Fact]
    public void OfficialSizesAreRecognised()
    {
        Assert.Equal(
            new VisionTransformerConfig
            {
                EmbedDim = 192,
                Heads = 3,
                Distilled = true,
            },
            Identity(192, 198, "dist_token")
        );
        Assert.Equal(
            new VisionTransformerConfig
            {
                EmbedDim = 384,
                Heads = 6,
                NoEmbedClass = true,
                LayerScale = 1e-4,
            },
            Identity(384, 196, "blocks.0.ls1.gamma")
        );
        Assert.Equal(
            new VisionTransformerConfig
            {
                EmbedDim = 768,
                Heads = 12,
                NoEmbedClass = true,
                LayerScale = 1e-4,
                Height = 384,
                Width = 384,
            },
            Identity(768, 576, "blocks.0.gamma_1")
        );
        Assert.Equal(
            new VisionTransformerConfig { EmbedDim = 192, Heads = 3 },
            Identity(192, 197, "blocks.0.norm1.weight")
        );

        static BackboneConfig? Identity(long width, long positions, string mark) =>
            CheckpointIdentity
                .Of(
                    new Dictionary<string, IReadOnlyList<long>>
                    {
                        ["patch_embed.proj.weight"] = [width, 3, 16, 16],
                        ["pos_embed"] = [1, positions, width],
                        ["head.weight"] = [1000, width],
                        ["blocks.11.norm1.weight"] = [width],
                        [mark] = [width],
                    }
                )
                ?.Config;
    }

    /// <summary>
    /// What is no DeiT of these is named: https://github.com/facebookresearch/mae/issues/6 has fine-tuned weights that
    /// pool in place of the class token.
    /// </summary>
    [Theory]
    [InlineData("fc_norm.weight", "the mean of its patches")]
    [InlineData("blocks.0.norm11.weight", "parallel blocks")]
    [InlineData("reg_token", "register tokens")]
    [InlineData("decoder_embed.weight", "a masked autoencoder")]
    [InlineData("blocks.0.attn.q_norm.weight", "normalises queries and keys")]
    public void OtherKindsAreRefusedByName(string name, string words)
    {
        using var scope = NewDisposeScope();
        using var vit = new OwnVit(Kinds["plain"]);
        string path = vit.Write("other.safetensors", more: new Dictionary<string, Tensor> { [name] = ones(24) });
        Expect.Refused<CheckpointException>(() => vit.Predict(path), words, name);
    }

    [Fact]
    public void KeysOfOlderRunsStay()
    {
        string json = System.Text.Json.JsonSerializer.Serialize<BackboneConfig>(
            new VisionTransformerConfig(),
            RunConfig.Json
        );
        Assert.DoesNotContain("distilled", json);
        Assert.DoesNotContain("Class\"", json);
        Assert.DoesNotContain("layerScale", json);
        var kind = Kinds["all at once"];
        Assert.Equal(
            kind,
            System.Text.Json.JsonSerializer.Deserialize<BackboneConfig>(
                System.Text.Json.JsonSerializer.Serialize<BackboneConfig>(kind, RunConfig.Json),
                RunConfig.Json
            )
        );
    }

    // (1, classes), by the official forward passes, written out.
    private static Tensor Reference(OwnVit vit)
    {
        var (w, config) = (vit.Weights, vit.Config);
        long width = config.EmbedDim,
            heads = config.Heads,
            each = width / heads;
        var x = nn
            .functional.conv2d(
                vit.Picture(),
                w["patch_embed.proj.weight"],
                w["patch_embed.proj.bias"],
                strides: [config.PatchSize, config.PatchSize]
            )
            .flatten(2)
            .transpose(1, 2);
        Tensor[] front = config.Distilled ? [w["cls_token"], w["dist_token"]] : [w["cls_token"]];
        x = config.NoEmbedClass ? cat([.. front, x + w["pos_embed"]], 1) : cat([.. front, x], 1) + w["pos_embed"];
        for (int block = 0; block < config.Depth; block++)
        {
            string at = $"blocks.{block}.";
            var qkv = Linear(Norm(x, at + "norm1"), at + "attn.qkv")
                .reshape(1, -1, 3, heads, each)
                .permute(2, 0, 3, 1, 4);
            var attention = (qkv[0].matmul(qkv[1].transpose(-2, -1)) * Math.Pow(each, -.5))
                .softmax(-1)
                .matmul(qkv[2])
                .transpose(1, 2)
                .reshape(1, -1, width);
            x = x + Gamma(Linear(attention, at + "attn.proj"), at + "gamma_1");
            x =
                x
                + Gamma(
                    Linear(nn.functional.gelu(Linear(Norm(x, at + "norm2"), at + "mlp.fc1")), at + "mlp.fc2"),
                    at + "gamma_2"
                );
        }
        x = Norm(x, "norm");
        return config.Distilled
            ? (Linear(x.select(1, 0), "head") + Linear(x.select(1, 1), "head_dist")) / 2
            : Linear(x.select(1, 0), "head");

        Tensor Linear(Tensor tokens, string name) => tokens.matmul(w[name + ".weight"].t()) + w[name + ".bias"];
        Tensor Gamma(Tensor branch, string name) => config.LayerScale > 0 ? w[name] * branch : branch;

        Tensor Norm(Tensor tokens, string name)
        {
            var (mean, variance) = (tokens.mean([-1], keepdim: true), tokens.var(-1, unbiased: false, keepdim: true));
            return (tokens - mean) / (variance + 1e-6).sqrt() * w[name + ".weight"] + w[name + ".bias"];
        }
    }
}
