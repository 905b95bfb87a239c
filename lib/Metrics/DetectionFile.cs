using PatchKit.Data;
using PatchKit.Data.Coco;
using static TorchSharp.torch;

namespace PatchKit.Metrics;

/// <summary>What was found, as entries of COCO's result files.</summary>
public static class DetectionFile
{
    /// <summary>The entries of an image.</summary>
    /// <param name="found">what was found in it, in the image's pixels.</param>
    /// <param name="imageId">the image.</param>
    /// <param name="height">its height.</param>
    /// <param name="width">its width.</param>
    /// <param name="categories">the ids of the categories, in the order of the model's classes; the classes' own
    /// numbers where null.</param>
    public static IReadOnlyList<CocoDetection> Of(
        Detections found,
        long imageId,
        int height,
        int width,
        IReadOnlyList<long>? categories = null
    )
    {
        using var scope = NewDisposeScope();
        var masks = DetectionPrecision.Encoded(found.Pasted(height, width));
        long[] classes = [.. found.Classes.cpu().data<long>()];
        float[] boxes = [.. found.Boxes.cpu().contiguous().data<float>()],
            scores = [.. found.Scores.cpu().data<float>()];
        return
        [
            .. Enumerable
                .Range(0, found.Count)
                .Select(i => new CocoDetection
                {
                    ImageId = imageId,
                    CategoryId = categories is null ? classes[i] : categories[(int)classes[i]],
                    Score = scores[i],
                    Box = DetectionPrecision.Box(boxes.AsSpan(4 * i, 4)),
                    Segmentation = masks[i],
                }),
        ];
    }
}
