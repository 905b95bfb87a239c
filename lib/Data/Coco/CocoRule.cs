namespace PatchKit.Data.Coco;

/// <summary>How a set in COCO's format is taken where pycocotools (cocoapi 8c9bcc3) loses something of it.</summary>
public enum CocoRule
{
    /// <summary>
    /// Every annotation counts, whatever its id, and one that is listed twice once; ids of images and categories that
    /// are given twice for different things are refused; masks are small, medium or large by their own pixels.
    /// </summary>
    Exact,

    /// <summary>
    /// To the last digit as pycocotools: what is matched to an object of id 0 counts as wrong; of images, categories
    /// and annotations with one id the last one counts, for both annotations; masks of detections that have a box, too,
    /// are small, medium or large by the box; a mask of another size than its image overlaps nothing.
    /// </summary>
    Pycocotools,
}
