using System.Globalization;
using PatchKit.Data;
using PatchKit.Display.Pictures;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Experiments.Tables;

/// <summary>Objects drawn over their image: masks in their classes' colours, boxes with class and score.</summary>
public static class DetectionPictures
{
    // No class: the pixel stays as it is.
    private const int Nothing = 255;

    /// <summary>What a detector found.</summary>
    /// <param name="picture">the image.</param>
    /// <param name="found">in the image's pixels.</param>
    /// <param name="names">the classes' names.</param>
    /// <param name="leastScore">what is less sure is not drawn.</param>
    public static Picture Found(Picture picture, Detections found, IReadOnlyList<string> names, double leastScore = .5)
    {
        using var scope = NewDisposeScope();
        float[] scores = [.. found.Scores.cpu().data<float>()];
        int[] drawn = [.. Enumerable.Range(0, found.Count).Where(i => scores[i] >= leastScore)];
        return Drawn(
            picture,
            found.Boxes,
            found.Classes,
            found.Pasted(picture.Height, picture.Width),
            drawn,
            names,
            i => string.Create(CultureInfo.InvariantCulture, $" {scores[i]:0.00}"),
            dashed: false
        );
    }

    /// <summary>What is there.</summary>
    /// <param name="picture">the image.</param>
    /// <param name="objects">of its size.</param>
    /// <param name="names">the classes' names.</param>
    public static Picture Objects(Picture picture, ObjectTargets objects, IReadOnlyList<string> names)
    {
        using var scope = NewDisposeScope();
        return Drawn(
            picture,
            objects.Boxes,
            objects.Classes,
            objects.Masks,
            [.. Enumerable.Range(0, (int)objects.Classes.shape[0])],
            names,
            _ => "",
            dashed: true
        );
    }

    private static Picture Drawn(
        Picture picture,
        Tensor boxes,
        Tensor classes,
        Tensor masks,
        int[] drawn,
        IReadOnlyList<string> names,
        Func<int, string> addition,
        bool dashed
    )
    {
        long[] labels = [.. classes.cpu().data<long>()];
        float[] edges = [.. boxes.cpu().contiguous().data<float>()];
        var map = full([picture.Height, picture.Width], Nothing, ScalarType.Int64);
        // the surest lies on top
        foreach (int i in drawn.Reverse())
            map.masked_fill_(masks[i].cpu(), labels[i]);
        return (picture.Segmentation(map, names, ignore: Nothing) with { Legend = [] }).WithBoxes(
            drawn.Select(i => new Box(
                edges[4 * i],
                edges[4 * i + 1],
                edges[4 * i + 2],
                edges[4 * i + 3],
                names[(int)labels[i]] + addition(i)
            )
            {
                Class = (int)labels[i],
                IsDashed = dashed,
            })
        );
    }
}
