namespace PatchKit.Data.Coco;

/// <summary>An image of a COCO file.</summary>
public sealed record CocoImage
{
    /// <summary>What annotations and detections name it by.</summary>
    public required long Id { get; init; }

    /// <summary>Columns; 0 where the file does not say.</summary>
    public int Width { get; init; }

    /// <summary>Rows; 0 where the file does not say.</summary>
    public int Height { get; init; }

    /// <summary>Its file, below the folder of images.</summary>
    public string FileName { get; init; } = "";
}
