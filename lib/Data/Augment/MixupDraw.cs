using PatchKit.Data.Images;

namespace PatchKit.Data.Augment;

/// <summary>What Mixup does to one batch.</summary>
/// <param name="Weight">the share of each image's own label; the rest belongs to its partner's.</param>
/// <param name="Box">CutMix: the pixels that come from the partner. Mixup where null: all pixels are blended by the
/// weight.</param>
public readonly record struct MixupDraw(double Weight, CropBox? Box)
{
    /// <summary>
    /// CutMix's box for a weight: of 1 - weight of the area around a centre, clipped at the image's edges; the weight
    /// is then corrected to the area that was really cut.
    /// </summary>
    public static MixupDraw Cut(double weight, int height, int width, int centreY, int centreX)
    {
        double ratio = Math.Sqrt(1 - weight);
        int halfHeight = (int)(height * ratio) / 2,
            halfWidth = (int)(width * ratio) / 2;
        int top = Math.Clamp(centreY - halfHeight, 0, height),
            bottom = Math.Clamp(centreY + halfHeight, 0, height);
        int left = Math.Clamp(centreX - halfWidth, 0, width),
            right = Math.Clamp(centreX + halfWidth, 0, width);
        return Of(new CropBox(top, left, bottom - top, right - left), height, width);
    }

    /// <summary>CutMix with a given box; the weight is the area left.</summary>
    public static MixupDraw Of(CropBox box, int height, int width) =>
        new(1 - box.Height * box.Width / (double)(height * width), box);
}
