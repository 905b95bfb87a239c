using System.Globalization;
using System.Text.Json;
using PatchKit.Models;
using PatchKit.Tests.Golden;
using Xunit;

namespace PatchKit.Tests.Models;

/// <summary>
/// Parameter counts against 04_05_param_counts. Every row is counted from the configuration. The counting is held to
/// real models: of every preset's width one and two blocks are made, and the second block's parameters are added for
/// each further one.
/// </summary>
public sealed class ParameterCountsGolden
{
    private const string File = "04_05_param_counts";

    public static IEnumerable<TheoryDataRow<string>> Rows =>
        GoldenFile.Cases(
            File,
            file =>
                file.Json.GetProperty("rows")
                    .EnumerateArray()
                    .Select(row =>
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"{Name(row)} {row.GetProperty("img")} {row.GetProperty("patch")} "
                                + $"{row.GetProperty("params")}"
                        )
                    )
        );

    public static IEnumerable<TheoryDataRow<string>> Models =>
        GoldenFile.Cases(
            File,
            file =>
                file.Json.GetProperty("rows")
                    .EnumerateArray()
                    .GroupBy(Name)
                    .Select(rows => rows.MinBy(row => row.GetProperty("params").GetInt64()))
                    .Select(row =>
                        $"{Name(row)} {row.GetProperty("img")} {row.GetProperty("patch")} {row.GetProperty("params")}"
                    )
        );

    [Theory, MemberData(nameof(Rows))]
    public void CountedFromTheConfiguration(string row)
    {
        var (config, expected) = Read(row);
        Assert.Equal(expected, config.Cost().Parameters);
    }

    [Theory, MemberData(nameof(Models))]
    [Trait("speed", "seconds")]
    public void CountedFromRealBlocks(string row)
    {
        var (config, expected) = Read(row);
        var (one, two) = (Count(config with { Depth = 1 }), Count(config with { Depth = 2 }));
        Assert.Equal(expected, one + (config.Depth - 1) * (two - one));
    }

    [Fact]
    public void EveryPresetIsARowOfTheReference()
    {
        Assert.SkipUnless(GoldenFile.Exists(File), $"{File}.json is not in {GoldenFile.Folder}");
        var rows = GoldenFile.Open(File).Json.GetProperty("rows").EnumerateArray().ToList();
        Assert.All(
            ModelZoo.Presets,
            preset =>
            {
                var row = rows.Single(row => Name(row) == preset.Name && row.TryGetProperty("paper_table7", out _));
                Assert.Equal(row.GetProperty("paper_table7").GetString(), preset.PaperParameters);
                Assert.Equal(row.GetProperty("params").GetInt64(), preset.Config.Cost().Parameters);
            }
        );
    }

    private static long Count(BackboneConfig config)
    {
        using var model = (new ModelPreset("", config, "")).Create();
        Assert.Equal(config.Cost().Parameters, model.parameters().Sum(parameter => parameter.numel()));
        return config.Cost().Parameters;
    }

    private static string Name(JsonElement row) => row.GetProperty("model").GetString()!.Replace('_', '-');

    private static (BackboneConfig Config, long Parameters) Read(string row)
    {
        string[] words = row.Split(' ');
        int side = int.Parse(words[1], CultureInfo.InvariantCulture);
        var config = ModelZoo.Find(words[0]).Config with
        {
            Height = side,
            Width = side,
            PatchSize = int.Parse(words[2], CultureInfo.InvariantCulture),
        };
        return (config, long.Parse(words[3], CultureInfo.InvariantCulture));
    }
}
