using System.Text.Json.Serialization;

namespace PatchKit.Metrics;

/// <summary>
/// What a task beyond classification scores on the test images, beside the loss. Each task has its own; name it here,
/// so that a run's result can be read again.
/// </summary>
[JsonDerivedType(typeof(SegmentationResult), "segmentation"), JsonDerivedType(typeof(DetectionResult), "detection")]
public abstract record TaskResult
{
    /// <summary>The score that a line about a run shows, such as "mIoU 41.3 %".</summary>
    public abstract string Headline { get; }

    /// <summary>The scores by name, as a table about runs shows them.</summary>
    public abstract IReadOnlyList<(string Name, string Value)> Figures { get; }
}
