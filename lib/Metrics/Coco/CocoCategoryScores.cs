using PatchKit.Data.Coco;

namespace PatchKit.Metrics.Coco;

/// <summary>What one category contributes to <see cref="CocoScores"/>.</summary>
/// <param name="Category">the category.</param>
/// <param name="AP">average precision.</param>
/// <param name="AP50">average precision where an overlap of .5 is enough.</param>
/// <param name="AR100">recall of the best hundred detections of an image.</param>
public sealed record CocoCategoryScores(CocoCategory Category, double AP, double AP50, double AR100);
