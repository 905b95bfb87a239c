namespace PatchKit.Data.Images;

/// <summary>How pixels between pixels are found. The numbers are Pillow's.</summary>
public enum ResizeFilter
{
    /// <summary>A triangle over one pixel each way.</summary>
    Bilinear = 2,

    /// <summary>Keys' cubic with a = -0.5, over two pixels each way.</summary>
    Bicubic = 3,
}
