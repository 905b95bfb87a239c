using PatchKit.Experiments.Reports;
using PatchKit.Models;
using PatchKit.Training.Runs;

namespace PatchKit.Experiments.Sweeps;

/// <summary>
/// One configuration's results over its seeds: the means, and the span between the best seed and the worst.
/// </summary>
/// <param name="Results">alike but for the seed, at least one.</param>
public sealed record SeedMean(IReadOnlyList<RunResult> Results)
{
    /// <summary>Results gathered by configuration, in the order in which these first occur.</summary>
    public static IReadOnlyList<SeedMean> Of(IEnumerable<RunResult> results) =>
        [
            .. results
                .GroupBy(result => Unseeded(result.Config).Key)
                .Select(same => new SeedMean([.. same.OrderBy(result => result.Config.Seed)])),
        ];

    /// <summary>The kind of the model.</summary>
    public Family Family => Results[0].Config.Family;

    /// <summary>The model.</summary>
    public BackboneConfig Model => Results[0].Config.Model;

    /// <summary>The patch size p, in pixels.</summary>
    public int PatchSize => Model.PatchSize;

    /// <summary>The token dimension D.</summary>
    public int EmbedDim => Model.EmbedDim;

    /// <summary>Learned numbers.</summary>
    public long Parameters => Results[0].Parameters;

    /// <summary>Multiply-accumulates of one image's forward pass, in millions.</summary>
    public double Megamacs => Model.Cost().Macs / 1e6;

    /// <summary>The mean test loss, in nats.</summary>
    public double Loss => Results.Average(result => result.Test.Loss);

    /// <summary>The best seed's test loss.</summary>
    public double Lowest => Results.Min(result => result.Test.Loss);

    /// <summary>The worst seed's test loss.</summary>
    public double Highest => Results.Max(result => result.Test.Loss);

    /// <summary>The mean top-1 accuracy, 0 to 1.</summary>
    public double Top1 => Results.Average(result => result.Test.Top1);

    /// <summary>
    /// How often a scale of detail is right, 0 to 1: shape, blotch, fleck, speck for 0 to 3; NaN for images without
    /// them.
    /// </summary>
    public double Bit(int scale) =>
        Results.All(result => result.Test.Bits is not null)
            ? Results.Average(result => result.Test.Bits![scale])
            : double.NaN;

    // A run that starts from another's weights has that one's seed in its key, too.
    private static RunConfig Unseeded(RunConfig config) =>
        config with
        {
            Seed = 0,
            StartsFrom = config.StartsFrom is { } earlier ? Unseeded(earlier) : null,
        };

    /// <summary>"ViT D=48 p=8: 1.234".</summary>
    public override string ToString() => $"{Family} D={EmbedDim} p={PatchSize}: {ReportNumber.Number(Loss)}";
}
