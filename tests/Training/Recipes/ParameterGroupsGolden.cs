using PatchKit.Models;
using PatchKit.Tests.Golden;
using PatchKit.Training.Recipes;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Training.Recipes;

/// <summary>The groups of an Adventurer against 06_param_groups, name by name and in order.</summary>
public sealed class ParameterGroupsGolden
{
    private const string File = "06_param_groups";

    public static IEnumerable<TheoryDataRow<string>> Cases =>
        GoldenFile.Cases(File, file => file.Json.GetProperty("cases").EnumerateArray().Select((_, i) => i.ToString()));

    [Theory, MemberData(nameof(Cases))]
    public void Adventurer(string index)
    {
        using var scope = NewDisposeScope();
        var golden = GoldenFile.Open(File).Json.GetProperty("cases")[int.Parse(index)];
        int depth = golden.GetProperty("depth").GetInt32();
        var model = new Adventurer(
            new AdventurerConfig
            {
                Height = 8,
                Width = 8,
                PatchSize = 4,
                EmbedDim = 64,
                Depth = depth,
                Classes = 3,
            }
        );
        var order = golden
            .GetProperty("named_parameters_order")
            .EnumerateArray()
            .Select(name => name.GetString()!)
            .ToList();
        Assert.Equal(order.Order(), model.named_parameters().Select(entry => entry.name).Order());

        var groups = ParameterGroups.Of(
            model.named_parameters().OrderBy(entry => order.IndexOf(entry.name)),
            depth,
            golden.GetProperty("weight_decay").GetDouble(),
            golden.GetProperty("layer_decay").GetDouble()
        );

        var expected = golden.GetProperty("groups").EnumerateArray().ToList();
        Assert.Equal(expected.Count, groups.Count);
        foreach (var (wanted, group) in expected.Zip(groups))
        {
            Assert.Equal(wanted.GetProperty("lr_scale").GetDouble(), group.LearningRateScale, 1e-15);
            Assert.Equal(wanted.GetProperty("weight_decay").GetDouble(), group.WeightDecay);
            Assert.Equal(wanted.GetProperty("names").EnumerateArray().Select(name => name.GetString()!), group.Names);
        }
    }
}
