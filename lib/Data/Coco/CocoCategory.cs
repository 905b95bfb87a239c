namespace PatchKit.Data.Coco;

/// <summary>
/// A category of a COCO file. Ids may have holes: a model's class is the category's place in the order of ids.
/// </summary>
public sealed record CocoCategory
{
    /// <summary>What annotations and detections name it by.</summary>
    public required long Id { get; init; }

    /// <summary>Such as "car".</summary>
    public string Name { get; init; } = "";
}
