namespace PatchKit.Data.Augment;

/// <summary>
/// The usual size of images in detection: the shorter side becomes 800 pixels, unless the longer one would pass 1,333
/// (He et al. 2017).
/// </summary>
/// <param name="Short">The shorter side.</param>
/// <param name="Longest">The most that the longer side may have.</param>
public sealed record ShortSideResize(int Short = 800, int Longest = 1333)
{
    /// <summary>The size that an image gets; its shape is kept but for rounding.</summary>
    /// <exception cref="ArgumentException">A length is less than 1.</exception>
    public (int Height, int Width) Of(int height, int width)
    {
        if (Short < 1 || Longest < 1)
            throw new ArgumentException(
                $"a shorter side of {Short} and a longer one of at most {Longest} leave no image; use "
                    + "lengths such as 800 and 1333."
            );
        double scale = Math.Min((double)Longest / Math.Max(height, width), (double)Short / Math.Min(height, width));
        return (Math.Max(1, (int)(height * scale + .5)), Math.Max(1, (int)(width * scale + .5)));
    }
}
