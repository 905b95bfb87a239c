using System.Globalization;
using System.Text.Json.Serialization;

namespace PatchKit.Metrics;

/// <summary>What a detector scores on the test images.</summary>
/// <param name="Objectness">mean loss of the anchors' scores; these five add up to the test loss.</param>
/// <param name="Proposals">of the anchors' deltas.</param>
/// <param name="Class">of the regions' classes, over the stages.</param>
/// <param name="BoxLoss">of the regions' deltas, over the stages.</param>
/// <param name="MaskLoss">of the masks' pixels.</param>
/// <param name="Box">average precision of boxes.</param>
/// <param name="Mask">average precision of masks; -1 where the set has none.</param>
/// <param name="Note">where pycocotools' numbers are others, and why; else null.</param>
public sealed record DetectionResult(
    double Objectness,
    double Proposals,
    double Class,
    double BoxLoss,
    double MaskLoss,
    DetectionScores Box,
    DetectionScores Mask,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Note = null
) : TaskResult
{
    /// <inheritdoc/>
    public override string Headline => $"box AP {Named(Box.Ap)}, mask AP {Named(Mask.Ap)}";

    /// <inheritdoc/>
    [JsonIgnore]
    public override IReadOnlyList<(string Name, string Value)> Figures =>
        [
            ("box AP, %", Percent(Box.Ap)),
            ("box AP50, %", Percent(Box.Ap50)),
            ("box AP75, %", Percent(Box.Ap75)),
            ("mask AP, %", Percent(Mask.Ap)),
            ("mask AP50, %", Percent(Mask.Ap50)),
            ("mask AP75, %", Percent(Mask.Ap75)),
            ("box loss", BoxLoss.ToString("0.0000", CultureInfo.InvariantCulture)),
            ("mask loss", MaskLoss.ToString("0.0000", CultureInfo.InvariantCulture)),
        ];

    private static string Named(double part) => part < 0 ? "none" : $"{Percent(part)} %";

    private static string Percent(double part) =>
        part < 0 ? "none" : (100 * part).ToString("0.0", CultureInfo.InvariantCulture);
}
