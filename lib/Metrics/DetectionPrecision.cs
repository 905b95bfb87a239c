using System.Runtime.InteropServices;
using PatchKit.Data;
using PatchKit.Data.Coco;
using PatchKit.Metrics.Coco;
using static TorchSharp.torch;

namespace PatchKit.Metrics;

/// <summary>
/// Collects what was found in images beside what is in them, for COCO's average precision: a set's own objects and
/// crowds, in its pixels, or those of batches. COCO tells small, medium and large objects apart at 32 x 32 and 96 x 96
/// pixels of photographs of about 480: sizes of the latter count as in an image whose shorter side is that long.
/// </summary>
/// <param name="truth">the set; null where objects come with the images.</param>
public sealed class DetectionPrecision(CocoDataset? truth = null)
{
    private const double UsualSide = 480;
    private readonly List<CocoImage> _images = [];
    private readonly List<CocoAnnotation> _objects = [];
    private readonly List<CocoDetection> _found = [];
    private readonly HashSet<long> _scored = [];

    /// <summary>Adds an image with its objects; a class is a category of the same number.</summary>
    /// <param name="found">what was found in it.</param>
    /// <param name="objects">what is in it.</param>
    public void Add(Detections found, ObjectTargets objects)
    {
        var (height, width) = ((int)objects.Masks.shape[1], (int)objects.Masks.shape[2]);
        long image = _images.Count;
        double zoom = UsualSide / Math.Min(height, width);
        _images.Add(
            new CocoImage
            {
                Id = image,
                Height = height,
                Width = width,
            }
        );
        using var scope = NewDisposeScope();
        long[] classes = [.. objects.Classes.cpu().data<long>()];
        float[] boxes = [.. objects.Boxes.cpu().contiguous().data<float>()];
        var masks = Encoded(objects.Masks.cpu());
        for (int i = 0; i < classes.Length; i++)
            _objects.Add(
                new CocoAnnotation
                {
                    Id = _objects.Count + 1,
                    ImageId = image,
                    CategoryId = classes[i],
                    Area = zoom * zoom * masks[i].Area,
                    Box = Zoomed(Box(boxes.AsSpan(4 * i, 4)), zoom),
                    Segmentation = masks[i],
                }
            );
        _found.AddRange(
            DetectionFile
                .Of(found, image, height, width)
                .Select(entry => entry with { Box = Zoomed(entry.Box!.Value, zoom) })
        );
    }

    /// <summary>Adds an image of the set.</summary>
    /// <param name="found">what was found in it, in pixels of the batch.</param>
    /// <param name="source">which image, and its size in the batch and in the set.</param>
    /// <exception cref="InvalidOperationException">No set was named.</exception>
    public void Add(Detections found, BatchSource source)
    {
        if (truth is null)
            throw new InvalidOperationException(
                $"image {source.ImageId} is of a set, but the set was not named; make the collection with it."
            );
        _scored.Add(source.ImageId);
        using var scope = NewDisposeScope();
        var scaled = found.Scaled(
            (double)source.OriginalWidth / source.Width,
            (double)source.OriginalHeight / source.Height
        );
        _found.AddRange(
            DetectionFile.Of(scaled, source.ImageId, source.OriginalHeight, source.OriginalWidth, truth.CategoryIds)
        );
    }

    private static CocoBox Zoomed(CocoBox box, double by) =>
        new(by * box.X, by * box.Y, by * box.Width, by * box.Height);

    internal static CocoBox Box(ReadOnlySpan<float> edges) =>
        new(edges[0], edges[1], edges[2] - edges[0], edges[3] - edges[1]);

    /// <summary>Masks (N, H, W), bool, as runs.</summary>
    internal static Rle[] Encoded(Tensor masks)
    {
        using var whole = masks.contiguous();
        var pixels = MemoryMarshal.AsBytes(whole.bytes);
        var (height, width) = ((int)masks.shape[1], (int)masks.shape[2]);
        var runs = new Rle[masks.shape[0]];
        for (int i = 0; i < runs.Length; i++)
            runs[i] = Rle.Encode(pixels.Slice(i * height * width, height * width), height, width);
        return runs;
    }

    /// <summary>The summaries of boxes and of masks, and a sentence where pycocotools has other numbers.</summary>
    public (DetectionScores Box, DetectionScores Mask, string? Note) Scores()
    {
        // whose masks are small or large by their boxes, which alone are zoomed
        var all =
            truth?.Instances.Of(_scored)
            ?? new CocoInstances(
                _images,
                _objects,
                [
                    .. _objects
                        .Select(annotation => annotation.CategoryId)
                        .Distinct()
                        .Order()
                        .Select(id => new CocoCategory { Id = id }),
                ],
                rule: CocoRule.Pycocotools
            );
        CocoScores boxes = CocoEvaluation.Run(all, _found, CocoKind.Box),
            masks = CocoEvaluation.Run(all, _found, CocoKind.Mask);
        return (DetectionScores.Of(boxes), DetectionScores.Of(masks), boxes.Difference ?? masks.Difference);
    }
}
