using System.Globalization;
using PatchKit.Experiments.Planning;
using PatchKit.Experiments.Reports;
using PatchKit.Models;
using PatchKit.ScalingLaws;
using PatchKit.Training;
using static PatchKit.Experiments.Reports.ReportNumber;

namespace PatchKit.Experiments.Tables;

/// <summary>The tables of <see cref="Table6"/>.</summary>
internal static class CostTables
{
    private const double MB = 1e6;

    /// <summary>What a training step took.</summary>
    internal static ReportTable Measured(CostSetting setting, params GrowthCurve[] curves)
    {
        var rows = new RowsOver<int>([.. Enumerable.Range(0, setting.Patches.Length)])
            .Row("tokens", i => $"{curves[0].Points[i].Model.Tokens}")
            .Row("images in a step", i => $"{curves[0].Points[i].Batch}");
        foreach (var curve in curves)
        {
            var points = curve.Points;
            rows.Row($"{curve.Family}: ms per image", i => Milliseconds(points[i].Cost) ?? "does not fit")
                .Row("  slowest step over fastest", i => Factor(points[i].Cost?.Slowest / points[i].Cost?.Seconds))
                .RowIf(setting.IsPapers, "  hours per epoch of ImageNet", i => EpochHours(points[i].Cost))
                .Row("  MB per image", i => Megabytes(points[i].Cost?.BytesPerImage))
                .Row("  MB, cost model, float32", i => Megabytes(points[i].Model.ActivationBytes))
                .Row("  MMACs per image", i => OneDecimal(points[i].Model.Macs / 1e6));
        }
        return rows.Under($"{setting.Title}: one training step, measured here", i => $"p={setting.Patches[i]}");
    }

    /// <summary>By how much each halving of the patch multiplies time and memory.</summary>
    internal static ReportTable Growth(CostSetting setting, GrowthCurve curve)
    {
        int[] patches = setting.Patches;
        bool vit = curve.Family == Family.ViT;
        var paper = GrowthCurve.OfPaper(curve.Family, patches);
        var rows = new RowsOver<int>([.. Enumerable.Range(0, patches.Length - 1)]);
        Add("tokens", curve, point => point.Model.Tokens);
        Add($"time: the paper, {(vit ? "DeiT" : "Adventurer")}-Base at 224", paper, paper.PaperHours);
        Add("time: multiply-accumulates there", paper, point => point.Model.Macs);
        Add("time: multiply-accumulates here", curve, point => point.Model.Macs);
        if (!vit)
            Add("  with the scan in chunks", curve, point => ((MambaCost)point.Model).ChunkedMacs());
        Add("time: measured here", curve, point => point.Cost?.PerImage);
        if (vit)
            Add("memory: the paper", paper, point => point.Paper?.MemoryMegabytes);
        Add("memory: cost model here", curve, point => point.Model.ActivationBytes);
        Add("memory: measured here", curve, point => point.Cost?.BytesPerImage);
        return rows.Under(
            $"{setting.Title}, {curve.Family}: factor per halving of the patch",
            i => $"{patches[i]} to {patches[i + 1]}"
        );

        void Add(string name, GrowthCurve of, Func<CostPoint, double?> figure)
        {
            var factors = of.Factors(figure);
            rows.Row(name, i => Factor(factors[i]));
        }
    }

    /// <summary>The paper's Table 6 beside the cost model.</summary>
    internal static ReportTable Paper()
    {
        var table = PaperNumbers.Table6;
        int[] patches = [.. table.Select(row => row.PatchSize)];
        var vit = GrowthCurve.OfPaper(Family.ViT, patches);
        var adventurer = GrowthCurve.OfPaper(Family.Adventurer, patches);
        var rows = new RowsOver<int>([.. Enumerable.Range(0, patches.Length)]);
        rows.Row("tokens", i => $"{table[i].Length}");
        AddModel(vit, "DeiT-Base");
        rows.Row("  attention's share of them, %", i => Percent(AttentionShare(vit.Points[i].Model)));
        AddModel(adventurer, "Adventurer-Base");
        rows.Row(
                "  GMACs with the scan in chunks",
                i => OneDecimal(((MambaCost)adventurer.Points[i].Model).ChunkedMacs() / 1e9)
            )
            .Row("memory per image of the ViT, MB", i => $"{table[i].MemoryMegabytes}")
            .Row("  cost model, 2 bytes a number", i => Megabytes(vit.Points[i].Model.ActivationBytes / 2.0))
            .Row("  Adventurer, cost model", i => Megabytes(adventurer.Points[i].Model.ActivationBytes / 2.0));
        return rows.Under("The paper, Base at 224x224, beside the cost model", i => $"p={patches[i]}");

        void AddModel(GrowthCurve curve, string model) =>
            rows.Row($"{model}: GPU hours per epoch", i => Hours(curve.PaperHours(curve.Points[i])!.Value))
                .Row("  GMACs per image", i => OneDecimal(curve.Points[i].Model.Macs / 1e9))
                .Row("  TFLOP/s that the hours mean", i => Teraflops(curve, curve.Points[i]));
    }

    /// <summary>Attention's share of a model's multiply-accumulates; 0 where it has none.</summary>
    internal static double AttentionShare(CostModel model) =>
        model is TransformerCost vit ? (double)vit.AttentionMacs / vit.Macs : 0;

    /// <summary>"4.12", or that it is not measured.</summary>
    internal static string Factor(double? factor) =>
        factor?.ToString("0.00", CultureInfo.InvariantCulture) ?? "not measured";

    /// <summary>Milliseconds for an image; null without a measurement.</summary>
    internal static string? Milliseconds(StepCost? cost) =>
        (1e3 * cost?.PerImage)?.ToString(cost?.PerImage < 1 ? "G3" : "N0", CultureInfo.InvariantCulture);

    /// <summary>Megabytes, or that they are not measured.</summary>
    internal static string Megabytes(double? bytes) =>
        (bytes / MB)?.ToString(bytes < 10 * MB ? "0.00" : "0", CultureInfo.InvariantCulture) ?? "not measured";

    private static string EpochHours(StepCost? cost) =>
        cost is null ? "not measured" : Hours(cost.PerImage * PublishedData.ImageNetImages / 3600);

    private static string Teraflops(GrowthCurve curve, CostPoint point)
    {
        double flops = ThroughputCurve.FlopsPerMac * point.Model.Macs * PublishedData.ImageNetImages,
            seconds = 3600 * curve.PaperHours(point)!.Value;
        return (flops / seconds / 1e12).ToString("0", CultureInfo.InvariantCulture);
    }

    private static string Hours(double hours) => hours.ToString("0.00", CultureInfo.InvariantCulture);

    private static string OneDecimal(double number) => number.ToString("N1", CultureInfo.InvariantCulture);
}
