using PatchKit.Models;
using PatchKit.Torch;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.ScalingLaws;

/// <summary>The estimate of activation memory against the memory that models really take.</summary>
public sealed class CostModelTests
{
    private static readonly Dictionary<string, BackboneConfig> Configs = new()
    {
        ["vit, p 16"] = new VisionTransformerConfig
        {
            Height = 224,
            Width = 224,
            PatchSize = 16,
            EmbedDim = 192,
            Depth = 6,
            Heads = 3,
        },
        ["vit, p 2"] = new VisionTransformerConfig
        {
            Height = 64,
            Width = 48,
            PatchSize = 2,
            EmbedDim = 64,
            Depth = 4,
            Heads = 4,
        },
        ["vit, p 1"] = new VisionTransformerConfig
        {
            Height = 32,
            Width = 32,
            PatchSize = 1,
            EmbedDim = 48,
            Depth = 6,
            Heads = 3,
        },
        ["adventurer, p 16"] = new AdventurerConfig
        {
            Height = 224,
            Width = 224,
            PatchSize = 16,
            EmbedDim = 192,
            Depth = 6,
        },
        ["adventurer, p 2"] = new AdventurerConfig
        {
            Height = 64,
            Width = 48,
            PatchSize = 2,
            EmbedDim = 64,
            Depth = 4,
            HeadDim = 32,
            StateDim = 16,
        },
        ["adventurer, p 1"] = new AdventurerConfig
        {
            Height = 64,
            Width = 64,
            PatchSize = 1,
            EmbedDim = 64,
            Depth = 6,
        },
    };

    public static IEnumerable<TheoryDataRow<string>> Names =>
        Configs.Keys.Select(name => new TheoryDataRow<string>(name));

    [Theory, MemberData(nameof(Names))]
    public void AForwardPassTakesWhatIsEstimated(string name)
    {
        using var model = new ModelPreset(name, Configs[name], "").Create();
        double ratio = (double)Grown(model, backward: false) / model.Config.Cost().ActivationBytes;
        Assert.InRange(ratio, 0.8, 1.2);
    }

    [Theory, MemberData(nameof(Names))]
    [Trait("speed", "seconds")]
    public void ACheckpointedStepTakesWhatIsEstimated(string name)
    {
        using var model = new ModelPreset(name, Configs[name] with { Checkpointing = true }, "").Create();
        Grown(model, backward: true); // from the second step on the parameters have their gradients
        double ratio = (double)Grown(model, backward: true) / model.Config.Cost().CheckpointedActivationBytes;
        Assert.InRange(ratio, 0.8, 1.2);
    }

    /// <summary>Of the ViT alone: on the CPU the mixer's fused operators compute in float32 under autocast.</summary>
    [Theory]
    [InlineData("vit, p 16")]
    [InlineData("vit, p 2")]
    public void AForwardPassUnderAutocastTakesWhatIsEstimated(string name)
    {
        using var model = new ModelPreset(name, Configs[name], "").Create();
        long casts = 2 * model.Config.Cost().Parameters;
        using (Engine.Autocast(CPU))
            Assert.InRange(
                (double)(Grown(model, backward: false) - casts) / model.Config.Cost().AutocastActivationBytes,
                0.8,
                1.2
            );
    }

    private static long Grown(Backbone model, bool backward)
    {
        using var scope = NewDisposeScope();
        var image = randn([1, 3, model.Config.Height, model.Config.Width]);
        Garbage.Collect();
        long before = Engine.Memory().LiveBytes;
        Engine.ResetPeakMemory();
        var loss = model.call(image).square().sum();
        if (backward)
            loss.backward();
        return Engine.Memory().PeakBytes - before;
    }
}
