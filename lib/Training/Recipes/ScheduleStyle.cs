namespace PatchKit.Training.Recipes;

/// <summary>How the learning rate follows the clock.</summary>
public enum ScheduleStyle
{
    /// <summary>
    /// As the official code has it (timm 0.4.12, stepped once after each epoch): constant within an epoch, and one
    /// epoch late, so that epochs 0 and 1 both train at the warm-up's first value; the cosine's clock runs from the
    /// start of training, so that warm-up ends a little below the peak. The official resumption is ahead by an epoch
    /// for its first one; that is not imitated, for a resumed run equals an uninterrupted one.
    /// </summary>
    Official,

    /// <summary>Changed at every step; warm-up ends at the peak, and the cosine runs from there to the end.</summary>
    PerStep,

    /// <summary>
    /// Changed at every step; warm-up ends at the peak, and a straight line (polynomial decay of power 1) runs from
    /// there to the end, as is usual for segmentation.
    /// </summary>
    Linear,
}
