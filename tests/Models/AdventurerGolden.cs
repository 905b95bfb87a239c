using System.Text.Json;
using PatchKit.Models;
using PatchKit.Tests.Golden;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Models;

/// <summary>Adventurer against 04_adventurer: the official model in float64, in evaluation mode.</summary>
public sealed class AdventurerGolden
{
    private const string File = "04_adventurer";

    public static IEnumerable<TheoryDataRow<string>> Cases => GoldenFile.Cases(File);

    [Theory, MemberData(nameof(Cases))]
    public void Float32(string name)
    {
        using var model = Model(name);
        ModelGolden.CompareFloat32(ModelGolden.Open(File, name), model);
    }

    [Theory, MemberData(nameof(Cases))]
    public void Float64(string name)
    {
        using var model = Model(name);
        ModelGolden.CompareFloat64(ModelGolden.Open(File, name), model);
    }

    /// <summary>
    /// The sidecar says by how much each rule changes the class scores; three differ from one another where the depth
    /// tells them apart.
    /// </summary>
    [Theory, MemberData(nameof(Cases))]
    public void EveryFlipScheduleChangesTheScoresAsTheReferenceSays(string name)
    {
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        var golden = ModelGolden.Open(File, name);
        var changes = golden.Case(name).GetProperty("logit_change_if_flip_rule_were");
        var reference = golden.Tensor("out.logits");
        foreach (
            var (schedule, rule) in new[]
            {
                (FlipSchedule.Official, "official"),
                (FlipSchedule.EveryTwoBlocks, "every_two_blocks"),
                (FlipSchedule.EveryBlock, "parity_n_mod2"),
            }
        )
        {
            using var model = Model(name, schedule);
            golden.LoadInto(model, "param");
            model.to(ScalarType.Float64).to(TestDevice.Current).eval();
            double change = GoldenFile.Error(model.call(golden.Tensor("in.image", ScalarType.Float64)), reference);
            Assert.Equal(changes.GetProperty(rule).GetDouble(), change, 1e-9);
        }
    }

    [Fact]
    public void ACaseTellsTheThreeFlipSchedulesApart()
    {
        Assert.SkipUnless(GoldenFile.Exists(File), $"{File}.json is not in {GoldenFile.Folder}");
        bool Apart(JsonElement golden)
        {
            var changes = golden.GetProperty("logit_change_if_flip_rule_were");
            double[] three =
            [
                .. new[] { "official", "every_two_blocks", "parity_n_mod2" }
                    .Select(rule => changes.GetProperty(rule).GetDouble())
                    .Order(),
            ];
            return three[1] - three[0] > 0.1 && three[2] - three[1] > 0.1;
        }
        Assert.Contains(GoldenFile.Open(File).Json.GetProperty("cases").EnumerateArray(), Apart);
    }

    private static Adventurer Model(string name, FlipSchedule flips = FlipSchedule.Official)
    {
        var kwargs = GoldenFile.Open(File).Case(name).GetProperty("kwargs");
        var config = ModelGolden.Configure(kwargs, new AdventurerConfig { Flips = flips });
        if (kwargs.TryGetProperty("mamba_d_state", out var state))
            config = config with { StateDim = state.GetInt32() };
        if (kwargs.TryGetProperty("ssm_cfg", out var ssm) && ssm.TryGetProperty("headdim", out var head))
            config = config with { HeadDim = head.GetInt32() };
        return new Adventurer(config);
    }
}
