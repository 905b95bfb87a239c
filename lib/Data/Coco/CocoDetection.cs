using System.Text.Json.Serialization;

namespace PatchKit.Data.Coco;

/// <summary>Something that a model found, an entry of COCO's result files.</summary>
public sealed record CocoDetection
{
    /// <summary>The image.</summary>
    public required long ImageId { get; init; }

    /// <summary>The category; not the model's class number.</summary>
    public required long CategoryId { get; init; }

    /// <summary>How sure the model is.</summary>
    public required double Score { get; init; }

    /// <summary>The box, where there is one.</summary>
    [
        JsonPropertyName("bbox"),
        JsonConverter(typeof(CocoOptionalBox)),
        JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)
    ]
    public CocoBox? Box { get; init; }

    /// <summary>The mask, where there is one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public CocoSegmentation? Segmentation { get; init; }
}
