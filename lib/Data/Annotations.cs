namespace PatchKit.Data;

/// <summary>What a batch says about its images beyond their labels.</summary>
[Flags]
public enum Annotations
{
    /// <summary>Labels only.</summary>
    None = 0,

    /// <summary>The class of each pixel.</summary>
    Dense = 1,

    /// <summary>Each object's box, class and mask.</summary>
    Objects = 2,
}
