namespace PatchKit.Metrics.Coco;

/// <summary>What COCO's metric compares.</summary>
public enum CocoKind
{
    /// <summary>Boxes: iouType "bbox".</summary>
    Box,

    /// <summary>Masks: iouType "segm".</summary>
    Mask,
}
