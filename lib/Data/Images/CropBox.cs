namespace PatchKit.Data.Images;

/// <summary>A rectangle of whole pixels.</summary>
/// <param name="Top">the first row.</param>
/// <param name="Left">the first column.</param>
/// <param name="Height">rows.</param>
/// <param name="Width">columns.</param>
public readonly record struct CropBox(int Top, int Left, int Height, int Width);
