namespace PatchKit.Data.Coco;

/// <summary>A box as COCO's files have it.</summary>
/// <param name="X">The left edge in pixels.</param>
/// <param name="Y">The top edge.</param>
/// <param name="Width">To the right edge, which is exclusive.</param>
/// <param name="Height">To the bottom edge, which is exclusive.</param>
public readonly record struct CocoBox(double X, double Y, double Width, double Height)
{
    /// <summary>The right edge.</summary>
    public double Right => X + Width;

    /// <summary>The bottom edge.</summary>
    public double Bottom => Y + Height;

    /// <summary>Width times height; negative where one of them is.</summary>
    public double Area => Width * Height;

    /// <summary>
    /// The overlap of a detection with an object as pycocotools has it: intersection over union, or over the
    /// detection's own area where the object is a crowd.
    /// </summary>
    /// <param name="detection">The detection.</param>
    /// <param name="truth">The object.</param>
    /// <param name="crowd">Whether the object is a crowd.</param>
    /// <returns>0 where nothing is shared.</returns>
    public static double Iou(in CocoBox detection, in CocoBox truth, bool crowd)
    {
        double width = Math.Min(detection.Right, truth.Right) - Math.Max(detection.X, truth.X);
        if (width <= 0)
            return 0;
        double height = Math.Min(detection.Bottom, truth.Bottom) - Math.Max(detection.Y, truth.Y);
        if (height <= 0)
            return 0;
        double shared = width * height;
        return shared / (crowd ? detection.Area : detection.Area + truth.Area - shared);
    }
}
