using PatchKit.Ops;
using static TorchSharp.torch;

namespace PatchKit.Models.Detection;

/// <summary>Which object each box is to find, if any.</summary>
/// <param name="Objects">(M), int64: the object that overlaps most; 0 where there is none.</param>
/// <param name="Labels">(M), int64: 1 for an object, 0 for background, -1 for neither.</param>
public sealed record BoxMatch(Tensor Objects, Tensor Labels)
{
    /// <summary>Matches boxes to objects by overlap.</summary>
    /// <param name="boxes">(M, 4).</param>
    /// <param name="objects">(N, 4); N may be 0.</param>
    /// <param name="positive">from this overlap on a box shows its object.</param>
    /// <param name="negative">below this one it shows background.</param>
    /// <param name="best">whether the boxes that overlap an object most show it even so (Ren et al. 2015): no object is
    /// left without.</param>
    public static BoxMatch Of(Tensor boxes, Tensor objects, double positive, double negative, bool best = false)
    {
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        long count = boxes.shape[0];
        if (objects.shape[0] == 0 || count == 0)
            return new(
                zeros([count], ScalarType.Int64, boxes.device).MoveToOuterDisposeScope(),
                zeros([count], ScalarType.Int64, boxes.device).MoveToOuterDisposeScope()
            );
        var overlaps = Boxes.Iou(objects, boxes); // (N, M)
        var (most, which) = overlaps.max(0); // (M), (M)
        var labels =
            most.ge(positive).to_type(ScalarType.Int64)
            - most.ge(negative).logical_and(most.lt(positive)).to_type(ScalarType.Int64);
        if (best)
        {
            var highest = overlaps.amax([1], keepdim: true); // (N, 1)
            var found = overlaps.eq(highest).logical_and(highest.gt(0)).any(0); // (M)
            labels = labels.masked_fill(found, 1);
        }
        return new(which.MoveToOuterDisposeScope(), labels.MoveToOuterDisposeScope());
    }

    /// <summary>Matches regions to the objects of their own image.</summary>
    /// <param name="rois">(R, 5): the image's place in the batch, then the box.</param>
    /// <param name="objects">those of the batch.</param>
    /// <param name="overlap">from which on a region shows its object; below, it shows background.</param>
    internal static BoxMatch OfOwnImage(Tensor rois, BatchObjects objects, double overlap)
    {
        if (objects.Boxes.shape[0] == 0 || rois.shape[0] == 0)
            return Of(rois.narrow(1, 1, 4), objects.Boxes, overlap, overlap);
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        var ownImage = objects.Owners.unsqueeze(1).eq(rois.select(1, 0).unsqueeze(0)); // (N, R)
        var overlaps = Boxes.Iou(objects.Boxes, rois.narrow(1, 1, 4)) * ownImage; // (N, R)
        var (most, which) = overlaps.max(0); // (R)
        var shown = most.ge(overlap).to_type(ScalarType.Int64);
        return new(which.MoveToOuterDisposeScope(), shown.MoveToOuterDisposeScope());
    }
}
