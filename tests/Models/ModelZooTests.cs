using PatchKit.Models;
using PatchKit.Tests.Torch;
using Xunit;

namespace PatchKit.Tests.Models;

/// <summary>The presets of Table 7.</summary>
public sealed class ModelZooTests
{
    [Fact]
    public void AnUnknownNameListsTheKnownOnes() =>
        Expect.Refused<ArgumentException>(
            () => ModelZoo.Find("deit-giant"),
            "\"deit-giant\"",
            "deit-tiny",
            "adventurer-huge"
        );

    [Fact]
    public void EveryPresetIsFoundByItsName() =>
        Assert.All(ModelZoo.Presets, preset => Assert.Same(preset, ModelZoo.Find(preset.Name)));

    [Fact]
    public void APixelOfALargeImageIsAToken()
    {
        Assert.Equal(50_177, (ModelZoo.Find("adventurer-base").Config with { PatchSize = 1 }).Tokens);
        Assert.Equal(197, ModelZoo.Find("deit-base").Config.Tokens);
    }

    [Fact]
    public void WhereTheTableAndTheConfigurationDisagreeBothAreTold()
    {
        var huge = ModelZoo.Find("adventurer-huge");
        Assert.Equal("759M", huge.PaperParameters);
        Assert.Contains($"{huge.Config.Cost().Parameters:N0}", huge.Note);
    }

    [Fact]
    public void CreateChangesTheConfiguration()
    {
        using var model = ModelZoo
            .Find("deit-tiny")
            .Create(config => config with { Height = 8, Width = 8, PatchSize = 4, Depth = 1, Classes = 3 });
        Assert.IsType<VisionTransformer>(model);
        Assert.Equal(5, model.Config.Tokens);
    }
}
