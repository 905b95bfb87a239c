using PatchKit.Models;
using PatchKit.Tests.Golden;
using PatchKit.Tests.Torch;
using PatchKit.Torch;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Models;

/// <summary>What holds for both model families.</summary>
public sealed class BackboneTests
{
    // Small, neither square nor a power of two; deep enough for reversed blocks.
    private static readonly BackboneConfig Vit = new VisionTransformerConfig
    {
        Height = 16,
        Width = 24,
        PatchSize = 8,
        EmbedDim = 24,
        Depth = 4,
        Heads = 3,
        Classes = 7,
    };
    private static readonly BackboneConfig Mamba = new AdventurerConfig
    {
        Height = 16,
        Width = 24,
        PatchSize = 8,
        EmbedDim = 24,
        Depth = 4,
        HeadDim = 16,
        StateDim = 8,
        Classes = 7,
    };

    private static readonly Dictionary<string, Func<BackboneConfig, BackboneConfig>> Changes = new()
    {
        ["as it is"] = config => config,
        ["pixel tokens"] = config => config with { Height = 4, Width = 6, PatchSize = 1 },
        ["one token"] = config => config with { Height = 16, Width = 16, PatchSize = 16 },
        ["extended tokens"] = config => config with { TokenPatchSize = 4 },
        ["one class"] = config => config with { Classes = 1 },
        ["2,000 classes"] = config => config with { Classes = 2000 },
        ["checkpointing"] = config => config with { Checkpointing = true },
    };

    public static IEnumerable<TheoryDataRow<string, string>> Cases =>
        from family in new[] { "vit", "adventurer" }
        from change in Changes.Keys
        select new TheoryDataRow<string, string>(family, change);

    public static TheoryData<string> Families => ["vit", "adventurer"];

    [Theory, MemberData(nameof(Cases))]
    public void ImagesBecomeScoresAndEveryParameterHasAFiniteGradient(string family, string change)
    {
        using var scope = NewDisposeScope();
        using var model = Make(family, Changes[change]);
        var scores = model.call(Images(model));
        Assert.Equal([2, model.Config.Classes], scores.shape);
        scores.square().sum().backward();
        Assert.All(
            model.named_parameters(),
            entry =>
            {
                var gradient = entry.parameter.grad;
                Assert.True(gradient is not null, $"{entry.name} has no gradient");
                Assert.True(
                    gradient.isfinite().all().item<bool>() && gradient.abs().sum().item<float>() > 0,
                    $"the gradient of {entry.name} is zero or not finite"
                );
            }
        );
    }

    [Theory, MemberData(nameof(Cases))]
    public void TheCostModelCountsTheParameters(string family, string change)
    {
        using var model = Make(family, Changes[change]);
        Assert.Equal(model.parameters().Sum(parameter => parameter.numel()), model.Config.Cost().Parameters);
    }

    [Theory, MemberData(nameof(Cases))]
    public void FeaturesAreDenseTokensAndTheClassToken(string family, string change)
    {
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        using var model = Make(family, Changes[change]);
        model.eval();
        var features = model.Features(Images(model));
        var grid = model.Config.TokenGrid;
        Assert.Equal(grid, features.Grid);
        Assert.Equal([2, grid.Count, 24], features.Tokens.shape);
        Assert.Equal([2, 24], features.Cls.shape);
        Assert.Equal([2, 24, grid.Rows, grid.Columns], features.Map().shape);
        Expect.SameBits(
            features.Tokens[0, grid.Count - 1],
            features.Map()[0, TensorIndex.Ellipsis, grid.Rows - 1, grid.Columns - 1]
        );

        var state = model.state_dict();
        var scores = nn.functional.linear(features.Cls, state["head.weight"], state["head.bias"]);
        Assert.InRange(GoldenFile.Error(model.call(Images(model)), scores), 0, 1e-5);
    }

    [Theory, MemberData(nameof(Families))]
    public void CheckpointingGivesTheSameBitsWithDropPath(string family)
    {
        using var scope = NewDisposeScope();
        Tensor[] Gradients(bool checkpointing)
        {
            using var model = Make(family, config => config with { DropPath = 0.5, Checkpointing = checkpointing });
            var scores = model.call(Images(model, 8));
            scores.square().sum().backward();
            return [scores.detach(), .. model.parameters().Select(parameter => parameter.grad!)];
        }
        foreach (var (plain, checkpointed) in Gradients(false).Zip(Gradients(true)))
            Expect.SameBits(plain, checkpointed);
    }

    [Theory, MemberData(nameof(Families))]
    public void DropPathActsInTrainingAndNotInEvaluation(string family)
    {
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        using var plain = Make(family, config => config);
        using var dropping = Make(family, config => config with { DropPath = 0.5 });
        var images = Images(plain);
        Assert.NotEqual(0, GoldenFile.Error(dropping.call(images), dropping.call(images)));
        plain.eval();
        dropping.eval();
        Expect.SameBits(plain.call(images), dropping.call(images));
    }

    [Theory, MemberData(nameof(Families))]
    public void AModelOutlivesTheScopeThatItWasMadeIn(string family)
    {
        Backbone model;
        using (NewDisposeScope())
            model = Make(family, config => config);
        using (model)
            Assert.All(model.state_dict(), entry => Assert.False(entry.Value.IsInvalid, entry.Key));
    }

    [Theory, MemberData(nameof(Families))]
    public void ImagesOfAnotherSizeAreRefused(string family)
    {
        using var model = Make(family, config => config);
        Expect.Refused<ArgumentException>(() => model.call(randn([1, 3, 24, 16])), "[1, 3, 24, 16]", "[B, 3, 16, 24]");
        Expect.Refused<ArgumentException>(() => model.call(randn([3, 16, 24])), "[3, 16, 24]");
        Expect.Refused<ArgumentException>(
            () => Make(family, config => config with { PatchSize = 5 }),
            "patch size 5",
            "16x24",
            "2, 4 or 8"
        );
    }

    [Theory, MemberData(nameof(Families))]
    public void AModelRunsInFloat64AndFreesItsMemory(string family)
    {
        Run();
        Garbage.Collect();
        long live = Engine.LiveTensors,
            bytes = Engine.Memory().LiveBytes;
        Run();
        Garbage.Collect();
        Assert.Equal((live, bytes), (Engine.LiveTensors, Engine.Memory().LiveBytes));

        void Run()
        {
            using var scope = NewDisposeScope();
            using var model = Make(family, config => config);
            model.to(ScalarType.Float64).call(Images(model).to(ScalarType.Float64)).sum().backward();
            model.zero_grad();
        }
    }

    [Fact]
    public void WidthsThatDoNotFitAreRefused()
    {
        Expect.Refused<ArgumentException>(
            () => Make("vit", config => (VisionTransformerConfig)config with { Heads = 5 }),
            "5 heads",
            "24"
        );
        Expect.Refused<ArgumentException>(
            () => Make("adventurer", config => (AdventurerConfig)config with { HeadDim = 36 }),
            "36",
            "48",
            "2 x 24"
        );
        Expect.Refused<ArgumentException>(
            () => Make("adventurer", config => (AdventurerConfig)config with { Groups = 2 }),
            "2 groups",
            "3 heads"
        );
        Expect.Refused<ArgumentException>(
            () => Make("vit", config => config with { DropPath = 1 }),
            "drop-path",
            "[0, 1)"
        );
    }

    [Fact]
    public void AnAdventurersScanSeesNothingOfLaterTokensButTheirMean()
    {
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        using var mixer = new Mamba2Mixer((AdventurerConfig)Mamba);
        var tokens = randn([1, 9, 24]);
        var changed = tokens.clone();
        changed[0, 6].add_(1);
        Assert.Equal(0, GoldenFile.Error(mixer.call(changed).narrow(1, 0, 6), mixer.call(tokens).narrow(1, 0, 6)));
        Assert.NotEqual(0, GoldenFile.Error(mixer.call(changed).narrow(1, 6, 3), mixer.call(tokens).narrow(1, 6, 3)));
    }

    [Fact]
    public void FlipSchedulesReverseTheBlocksTheyName()
    {
        string Flipped(FlipSchedule schedule) =>
            string.Concat(
                Enumerable.Range(0, 12).Select(n => new AdventurerConfig { Flips = schedule }.FlipsBlock(n) ? 'R' : '-')
            );
        Assert.Equal("--RR--------", Flipped(FlipSchedule.Official));
        Assert.Equal("--RR--RR--RR", Flipped(FlipSchedule.EveryTwoBlocks));
        Assert.Equal("-R-R-R-R-R-R", Flipped(FlipSchedule.EveryBlock));
    }

    private static Backbone Make(string family, Func<BackboneConfig, BackboneConfig> change)
    {
        manual_seed(6);
        return new ModelPreset(family, change(family == "vit" ? Vit : Mamba), "").Create();
    }

    private static Tensor Images(Backbone model, int batch = 2) =>
        randn([batch, 3, model.Config.Height, model.Config.Width], generator: new Generator(7));
}
