using PatchKit.Data.Images;
using PatchKit.Data.Segmentation;

namespace PatchKit.Tests.Data.Segmentation;

/// <summary>A small set in ADE20K's layout: pictures of coordinates, whose labels follow from the place.</summary>
internal static class Scenes
{
    internal static readonly string[] Classes = ["north-west", "north-east", "south-west", "south-east"];

    /// <summary>Red is the column, green the row; the labels are the quarters, 0 in the middle.</summary>
    internal static (Image Image, LabelMap Labels) Coordinates(int width, int height)
    {
        var image = new Image(width, height);
        var labels = new LabelMap(width, height, new byte[width * height]);
        for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
        {
            (
                image.Pixels[3 * (y * width + x)],
                image.Pixels[3 * (y * width + x) + 1],
                image.Pixels[3 * (y * width + x) + 2]
            ) = ((byte)(2 * x), (byte)(2 * y), 100);
            labels.Classes[y * width + x] = (byte)((2 * y < height ? 0 : 2) + (2 * x < width ? 0 : 1));
        }
        return (image, labels);
    }

    /// <summary>
    /// Writes a set of 12 training and 5 validation images of 40 x 30 pixels, or of other sizes, too.
    /// </summary>
    internal static string Write(string folder, bool severalSizes = false)
    {
        foreach (var (part, count) in new[] { ("training", 12), ("validation", 5) })
        {
            Directory.CreateDirectory(Path.Combine(folder, "images", part));
            Directory.CreateDirectory(Path.Combine(folder, "annotations", part));
            for (int i = 0; i < count; i++)
            {
                var (image, labels) = Coordinates(severalSizes ? 40 + 4 * (i / 2 % 2) : 40, 30);
                using (image)
                    File.WriteAllBytes(
                        Path.Combine(folder, "images", part, $"{i:000}.png"),
                        ImageCodec.EncodePng(image)
                    );
                File.WriteAllBytes(Mask(folder, part, i), labels.ToPng());
            }
        }
        File.WriteAllLines(Path.Combine(folder, "objectInfo.txt"), Classes.Select((name, i) => $"{i + 1} {name}"));
        return folder;
    }

    internal static string Mask(string folder, string part, int index) =>
        Path.Combine(folder, "annotations", part, $"{index:000}.png");
}
