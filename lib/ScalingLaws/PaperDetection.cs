namespace PatchKit.ScalingLaws;

/// <summary>A row of Table 3: COCO average precision in percent.</summary>
/// <param name="Model">such as "Adventurer-B".</param>
/// <param name="PatchSize">p, in pixels.</param>
/// <param name="BoxAp">of boxes, over thresholds .5 to .95.</param>
/// <param name="BoxAp50">of boxes, at .5.</param>
/// <param name="BoxAp75">of boxes, at .75.</param>
/// <param name="MaskAp">of masks, over thresholds .5 to .95.</param>
/// <param name="MaskAp50">of masks, at .5.</param>
/// <param name="MaskAp75">of masks, at .75.</param>
public sealed record PaperDetection(
    string Model,
    int PatchSize,
    double BoxAp,
    double BoxAp50,
    double BoxAp75,
    double MaskAp,
    double MaskAp50,
    double MaskAp75
);
