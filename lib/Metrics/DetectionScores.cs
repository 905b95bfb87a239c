using PatchKit.Metrics.Coco;

namespace PatchKit.Metrics;

/// <summary>COCO's summary of boxes or of masks, each from 0 to 1; -1 where there was no object of the kind.</summary>
/// <param name="Ap">average precision over overlaps of .5 to .95.</param>
/// <param name="Ap50">at an overlap of .5.</param>
/// <param name="Ap75">at .75.</param>
/// <param name="Small">of objects below 32 x 32 pixels.</param>
/// <param name="Medium">up to 96 x 96.</param>
/// <param name="Large">beyond.</param>
/// <param name="Recall">average recall with up to 100 results an image.</param>
public sealed record DetectionScores(
    double Ap,
    double Ap50,
    double Ap75,
    double Small,
    double Medium,
    double Large,
    double Recall
)
{
    /// <summary>The summary of an evaluation.</summary>
    public static DetectionScores Of(CocoScores scores) =>
        new(scores.AP, scores.AP50, scores.AP75, scores.APSmall, scores.APMedium, scores.APLarge, scores.AR100);
}
