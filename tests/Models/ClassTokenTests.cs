using PatchKit.Models;
using PatchKit.Tests.Golden;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Models;

/// <summary>
/// The head reads the class token alone, so that the last block computes no other: with the scores and gradients of a
/// block that computes all.
/// </summary>
public sealed class ClassTokenTests
{
    public static TheoryData<string, FlipSchedule, int> Cases =>
        new()
        {
            { "vit", default, 1 },
            { "vit", default, 3 },
            { "adventurer", FlipSchedule.Official, 2 },
            { "adventurer", FlipSchedule.Official, 3 },
            { "adventurer", FlipSchedule.EveryBlock, 2 },
        };

    [Theory, MemberData(nameof(Cases))]
    public void ScoresAndGradientsAreThoseOfAllTokens(string family, FlipSchedule flips, int depth)
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        BackboneConfig config =
            family == "vit"
                ? SmallNet.Vit(16, 4, 7) with
                {
                    Heads = 3,
                    Depth = depth,
                }
                : SmallNet.Adventurer(16, 4, 7) with
                {
                    Flips = flips,
                    Depth = depth,
                };
        using var model = config.Create();
        model.to(ScalarType.Float64);
        var images = randn([3, 3, 16, 16], ScalarType.Float64);
        var state = model.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter);

        Tensor[] alone = Differentiate(model.call(images));
        Tensor[] among = Differentiate(
            nn.functional.linear(model.Features(images).Cls, state["head.weight"], state["head.bias"])
        );
        Assert.All(alone.Zip(among), pair => Assert.InRange(GoldenFile.Error(pair.First, pair.Second), 0, 1e-12));

        Tensor[] Differentiate(Tensor scores) => [scores, .. autograd.grad([scores.square().sum()], [.. state.Values])];
    }
}
