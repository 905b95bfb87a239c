using PatchKit.Models;
using PatchKit.Tests.Torch;
using PatchKit.Training.Recipes;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Training.Recipes;

/// <summary>The groups of a ViT, and an optimizer made of groups.</summary>
public sealed class ParameterGroupsTests
{
    private static readonly VisionTransformerConfig s_small = new()
    {
        Height = 8,
        Width = 8,
        PatchSize = 4,
        EmbedDim = 16,
        Depth = 2,
        Heads = 2,
        Classes = 3,
    };

    [Fact]
    public void AVisionTransformersLayers()
    {
        using var scope = NewDisposeScope();
        var model = new VisionTransformer(s_small);
        var groups = ParameterGroups.Of(model, 0.05, 0.5);
        Assert.Equal([0.125, 0.25, 0.5, 1], groups.Select(group => group.LearningRateScale).Distinct().Order());
        Assert.Equal(model.named_parameters().Count(), groups.Sum(group => group.Names.Count));
        Assert.Equal((0.25, 0.05), Of("blocks.0.attn.qkv.weight"));
        Assert.Equal((0.5, 0.0), Of("blocks.1.norm2.weight"));
        Assert.Equal((0.125, 0.05), Of("patch_embed.proj.weight"));
        Assert.Equal((0.125, 0.0), Of("cls_token"));
        Assert.Equal((0.125, 0.0), Of("pos_embed"));
        Assert.Equal((1.0, 0.0), Of("norm.bias"));
        Assert.Equal((1.0, 0.05), Of("head.weight"));

        (double, double) Of(string name) =>
            groups
                .Where(group => group.Names.Contains(name))
                .Select(group => (group.LearningRateScale, group.WeightDecay))
                .Single();
    }

    [Fact]
    public void WithoutLayerDecayThereAreTwoGroups()
    {
        using var scope = NewDisposeScope();
        Assert.Equal(
            [(1.0, 0.0), (1.0, 0.05)],
            ParameterGroups
                .Of(new VisionTransformer(s_small), 0.05)
                .Select(group => (group.LearningRateScale, group.WeightDecay))
                .Order()
        );
    }

    [Fact]
    public void EachGroupStepsAtItsShareOfTheRate()
    {
        using var scope = NewDisposeScope();
        var groups = ParameterGroups.Of(new VisionTransformer(s_small), 0.05, 0.5);
        using var optimizer = ParameterGroups.AdamW(groups);
        for (int epoch = 0; epoch < 3; epoch++)
            ParameterGroups.SetLearningRate(optimizer, groups, 0.01);
        Assert.Equal(
            groups.Select(group => 0.01 * group.LearningRateScale),
            optimizer.ParamGroups.Select(group => group.LearningRate)
        );
    }

    [Fact]
    public void WrongNumbersAreRefused()
    {
        Expect.Refused<ArgumentException>(
            () => ParameterGroups.LayerOf("blocks.4.norm1.weight", 4),
            "block 4",
            "4 blocks"
        );
        Expect.Refused<ArgumentException>(() => ParameterGroups.Of([], 1, -1), "weight decay -1");
        Expect.Refused<ArgumentException>(() => ParameterGroups.Of([], 1, 0, 0), "layer decay 0");
    }
}
