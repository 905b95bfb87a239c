namespace PatchKit.Training.Tasks;

/// <summary>What a detector learns in a run.</summary>
public enum DetectionPhase
{
    /// <summary>Boxes, classes and masks.</summary>
    Objects,

    /// <summary>
    /// The class of each cell of the finest level: what a small net starts from, as a large one starts from
    /// classification.
    /// </summary>
    Pixels,
}
