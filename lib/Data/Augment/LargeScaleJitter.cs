using PatchKit.Data.Images;

namespace PatchKit.Data.Augment;

/// <summary>
/// Large-scale jitter (Ghiasi et al. 2021, "Simple Copy-Paste"): the image is resized to a random part or multiple of a
/// square, and the square cut out of it at random where it is larger, or padded where it is smaller.
/// </summary>
/// <param name="Size">The square's side.</param>
public sealed record LargeScaleJitter(int Size = 1024)
{
    /// <summary>The image's longer side over the square's: .1 to 2, or .8 to 1.25 in the milder form.</summary>
    public (double Low, double High) Range { get; init; } = (.1, 2);

    /// <summary>The size that an image is resized to.</summary>
    /// <exception cref="ArgumentException">The square or the range is empty.</exception>
    public (int Height, int Width) Draw(int height, int width, ref SampleRandom random)
    {
        if (Size < 1 || !(Range.Low > 0 && Range.Low <= Range.High))
            throw new ArgumentException(
                $"a square of {Size} pixels and scales from {Range.Low} to {Range.High} leave no image; use "
                    + "a side of at least 1 and two numbers above 0, the lower first."
            );
        double scale = random.Uniform(Range.Low, Range.High) * Size / Math.Max(height, width);
        return (Math.Max(1, (int)(height * scale + .5)), Math.Max(1, (int)(width * scale + .5)));
    }

    /// <summary>
    /// The part that is cut out of an image of a size: the whole of it where it is not larger than the square.
    /// </summary>
    public CropBox Cut(int height, int width, ref SampleRandom random)
    {
        int down = random.Below(Math.Max(0, height - Size) + 1),
            right = random.Below(Math.Max(0, width - Size) + 1);
        return new CropBox(down, right, Math.Min(height, Size), Math.Min(width, Size));
    }
}
