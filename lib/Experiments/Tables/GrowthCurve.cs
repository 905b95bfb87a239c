using PatchKit.Experiments.Planning;
using PatchKit.Models;
using PatchKit.ScalingLaws;

namespace PatchKit.Experiments.Tables;

/// <summary>What a model costs at one patch size.</summary>
/// <param name="Patch">p.</param>
/// <param name="Model">by the cost model.</param>
/// <param name="Batch">images in a step.</param>
/// <param name="Cost">as it was measured; null where it does not fit, or is not measured.</param>
internal sealed record CostPoint(int Patch, CostModel Model, int Batch, StepCost? Cost)
{
    /// <summary>The paper's row; null where it has none.</summary>
    internal PaperCost? Paper => PaperNumbers.Table6.FirstOrDefault(row => row.PatchSize == Patch);
}

/// <summary>How a model's cost grows over patch sizes, the largest first.</summary>
/// <param name="Family">the model's kind.</param>
/// <param name="Points">a patch size each, half the one before.</param>
internal sealed record GrowthCurve(Family Family, IReadOnlyList<CostPoint> Points)
{
    /// <summary>The paper's Base model of a family at 224 pixels, by the cost model.</summary>
    internal static GrowthCurve OfPaper(Family family, IEnumerable<int> patches)
    {
        var model = ModelZoo.Find(family == Family.ViT ? "deit-base" : "adventurer-base").Config;
        return new(
            family,
            [.. patches.Select(patch => new CostPoint(patch, (model with { PatchSize = patch }).Cost(), 1, null))]
        );
    }

    /// <summary>The paper's hours for an epoch of the family's Base model.</summary>
    internal double? PaperHours(CostPoint point) =>
        Family == Family.ViT ? point.Paper?.DeitBaseGpuHours : point.Paper?.AdventurerBaseGpuHours;

    /// <summary>The factors of a figure from patch to patch; null where one is missing.</summary>
    internal IReadOnlyList<double?> Factors(Func<CostPoint, double?> figure) =>
        [.. Points.Zip(Points.Skip(1), (larger, smaller) => figure(smaller) / figure(larger))];

    /// <summary>
    /// The factor per halving over the last two, which one disturbed measurement sways less than the last alone.
    /// </summary>
    internal double? LateFactor(Func<CostPoint, double?> figure) =>
        figure(Points[^1]) / figure(Points[^3]) is { } factor ? Math.Sqrt(factor) : null;

    /// <summary>The same factor of time from each round's fastest step; none where a measurement has none.</summary>
    internal PairedStep LateRounds(string name)
    {
        var (first, last) = (Points[^3], Points[^1]);
        if (first.Cost?.Rounds is not { } firstRounds || last.Cost?.Rounds is not { } lastRounds)
            return new(name, []);
        var factors = firstRounds.Zip(lastRounds, (from, to) => Math.Sqrt(to / last.Batch / (from / first.Batch)));
        return new(name, [.. factors.Select((factor, round) => ((long)round, factor))]);
    }
}
