using System.Globalization;
using PatchKit.Models;
using PatchKit.ScalingLaws;
using PatchKit.Training;

namespace PatchKit.Experiments.Planning;

/// <summary>
/// How fast a kind of GPU trains: for models whose steps were timed on that kind (<see cref="StepMeter"/>) as they
/// were, else at the share of its peak that the paper's hours mean (Table 6: DeiT-Base and Adventurer-Base on an A100).
/// </summary>
/// <param name="Gpu">the kind.</param>
/// <param name="Measured">steps that were timed on it.</param>
public sealed record PlanRates(GpuKind Gpu, IReadOnlyList<StepCost> Measured)
{
    private const int PaperWidth = 768;
    private static readonly GpuKind s_paper = GpuKind.Find("a100");

    /// <summary>Rates of a kind, from what table6 has measured on it.</summary>
    /// <param name="gpu">the kind.</param>
    /// <param name="folder">of measurements; none where it is missing.</param>
    public static PlanRates In(GpuKind gpu, string? folder) =>
        new(gpu, folder is null ? [] : [.. StepMeter.Kept(folder).Where(cost => KindOf(cost.Machine) == gpu)]);

    /// <summary>The curve for a model.</summary>
    public ThroughputCurve Of(BackboneConfig model) => MeasuredOf(model) ?? PaperOf(model);

    /// <summary>
    /// Whether a model's rate is one that was not timed: narrower than the paper's, or with fewer tokens, both of which
    /// use a GPU less.
    /// </summary>
    public bool IsBound(BackboneConfig model)
    {
        var curve = Of(model);
        return model.TokenGrid.Count < curve.Points[0].Tokens
            || (model.EmbedDim < PaperWidth && MeasuredOf(model) is null);
    }

    /// <summary>The lowest and the highest share of the paper's GPU's peak that its hours mean, for a family.</summary>
    public static (double Least, double Most) PaperShare(Family family)
    {
        double[] shares = [.. Paper(family).Points.Select(point => point.Flops / s_paper.TrainingFlops)];
        return (shares.Min(), shares.Max());
    }

    /// <summary>On what the rates rest, in sentences.</summary>
    public IReadOnlyList<string> Basis
    {
        get
        {
            string Share(Family family) =>
                PaperShare(family) is var (least, most)
                    ? string.Create(CultureInfo.InvariantCulture, $"{100 * least:0} to {100 * most:0} %")
                    : "";
            string paper =
                "Hours are multiply-accumulates at the share of the GPU's peak that the paper's hours mean "
                + $"(Table 6, one A100: {Share(Family.ViT)} for DeiT-Base, {Share(Family.Adventurer)} for "
                + "Adventurer-Base"
                + (
                    Gpu == s_paper
                        ? ")."
                        : string.Create(
                            CultureInfo.InvariantCulture,
                            $"), here of {Gpu.TrainingFlops / 1e12:0.#} TFLOP/s: that the {Gpu.Title} "
                                + $"reaches the same share is assumed."
                        )
                );
            var models = Measured.Select(cost => PlannedRun.NameOf(cost.Model)).Distinct();
            return Measured.Count == 0
                ? [paper]
                :
                [
                    "Models whose training steps were timed on this kind of GPU "
                        + $"({string.Join(", ", models)}; table6) count at the rates of those steps. {paper}",
                ];
        }
    }

    private ThroughputCurve? MeasuredOf(BackboneConfig model)
    {
        var points = Measured
            .Where(cost => cost.Model.HasBlocksOf(model))
            .GroupBy(cost => cost.Model.TokenGrid.Count)
            .OrderBy(group => group.Key)
            .Select(group =>
                (
                    (long)group.Key,
                    group.Max(cost => ThroughputCurve.FlopsPerMac * cost.Model.Cost().Macs / cost.PerImage)
                )
            )
            .ToList();
        return points.Count == 0 ? null : new ThroughputCurve($"steps timed on {Gpu.Title}", points);
    }

    private ThroughputCurve PaperOf(BackboneConfig model) =>
        Paper(model.Family).Scaled(Gpu.TrainingFlops / s_paper.TrainingFlops);

    private static ThroughputCurve Paper(Family family)
    {
        var model = ModelZoo.Find(family == Family.ViT ? "deit-base" : "adventurer-base").Config;
        return ThroughputCurve.OfHours(
            "Table 6",
            PublishedData.ImageNetImages,
            PaperNumbers.Table6.Select(row =>
                (
                    (model with { PatchSize = row.PatchSize }).Cost(),
                    family == Family.ViT ? row.DeitBaseGpuHours : row.AdventurerBaseGpuHours
                )
            )
        );
    }

    // A device such as "cuda (NVIDIA H200)".
    private static GpuKind? KindOf(Machine machine) =>
        machine.Device.Split(" (", 2) is ["cuda", var name] ? GpuKind.FromDriver(name.TrimEnd(')')) : null;
}
