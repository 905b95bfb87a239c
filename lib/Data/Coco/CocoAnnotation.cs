using System.Text.Json.Serialization;

namespace PatchKit.Data.Coco;

/// <summary>An object, or a crowd of them, in an image of a COCO file.</summary>
public sealed record CocoAnnotation
{
    /// <summary>Its number, different for each annotation.</summary>
    public required long Id { get; init; }

    /// <summary>The image.</summary>
    public required long ImageId { get; init; }

    /// <summary>The category.</summary>
    public required long CategoryId { get; init; }

    /// <summary>
    /// Whether many objects stand behind it: it is nothing to be found, and nothing found in it is wrong.
    /// </summary>
    [JsonPropertyName("iscrowd"), JsonConverter(typeof(CocoFlag))]
    public bool IsCrowd { get; init; }

    /// <summary>Pixels of the mask, as the file has it; small, medium and large are told apart by it.</summary>
    public required double Area { get; init; }

    /// <summary>The box.</summary>
    [JsonPropertyName("bbox")]
    public required CocoBox Box { get; init; }

    /// <summary>The mask; null where the file has none.</summary>
    public CocoSegmentation? Segmentation { get; init; }
}
