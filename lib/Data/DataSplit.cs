namespace PatchKit.Data;

/// <summary>The part of a data set that images come from; the same seed gives unrelated images in each.</summary>
public enum DataSplit
{
    /// <summary>Images to learn from.</summary>
    Training,

    /// <summary>Images to choose settings by.</summary>
    Validation,

    /// <summary>Images to report, and to look at once.</summary>
    Test,
}
