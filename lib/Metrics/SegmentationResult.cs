using System.Globalization;

namespace PatchKit.Metrics;

/// <summary>How well the pixels of a set of images were given their classes; shares are 0 to 1.</summary>
/// <param name="MIoU">intersection over union, the mean over classes.</param>
/// <param name="AAcc">the share of pixels that were given their class.</param>
/// <param name="MAcc">that share of each class's pixels, the mean over classes.</param>
/// <param name="Classes">the names of the classes.</param>
/// <param name="IoU">of each class; NaN for one that is neither in the labels nor predicted.</param>
/// <param name="Accuracy">of each class; NaN for one that is not in the labels.</param>
/// <param name="Pixels">pixels that counted.</param>
public sealed record SegmentationResult(
    double MIoU,
    double AAcc,
    double MAcc,
    IReadOnlyList<string> Classes,
    IReadOnlyList<double> IoU,
    IReadOnlyList<double> Accuracy,
    long Pixels
) : TaskResult
{
    /// <inheritdoc/>
    public override string Headline => $"mIoU {Percent(MIoU, "0.0")} %";

    /// <inheritdoc/>
    public override IReadOnlyList<(string Name, string Value)> Figures =>
        [("mIoU, %", Percent(MIoU, "0.00")), ("aAcc, %", Percent(AAcc, "0.00")), ("mAcc, %", Percent(MAcc, "0.00"))];

    private static string Percent(double share, string format) =>
        (100 * share).ToString(format, CultureInfo.InvariantCulture);
}
