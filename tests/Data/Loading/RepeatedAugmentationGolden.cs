using PatchKit.Data.Loading;
using PatchKit.Tests.Golden;
using Xunit;

namespace PatchKit.Tests.Data.Loading;

/// <summary>The official RASampler's lists, rank by rank, in 07_rasampler, quirks included.</summary>
public sealed class RepeatedAugmentationGolden
{
    private const string File = "07_rasampler";

    public static IEnumerable<TheoryDataRow<string>> Cases =>
        GoldenFile.Cases(
            File,
            file => Enumerable.Range(0, file.Json.GetProperty("cases").GetArrayLength()).Select(i => i.ToString())
        );

    [Theory, MemberData(nameof(Cases))]
    public void EveryRank(string number)
    {
        var entry = GoldenFile.Open(File).Json.GetProperty("cases")[int.Parse(number)];
        int ranks = entry.GetProperty("world_size").GetInt32();
        var sampler = new RepeatedAugmentationSampler(
            entry.GetProperty("N").GetInt32(),
            ranks,
            entry.GetProperty("num_repeats").GetInt32(),
            entry.GetProperty("shuffle").GetBoolean()
        );
        Assert.Equal(entry.GetProperty("num_selected_samples").GetInt32(), sampler.Length);
        for (int rank = 0; rank < ranks; rank++)
        {
            int[] expected =
            [
                .. entry.GetProperty("per_rank")[rank].EnumerateArray().Select(index => index.GetInt32()),
            ];
            Assert.Equal<int[]>(expected, sampler.Indices(rank, entry.GetProperty("epoch").GetInt64()));
        }
    }
}
