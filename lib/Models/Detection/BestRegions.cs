using PatchKit.Ops;
using static TorchSharp.torch;

namespace PatchKit.Models.Detection;

/// <summary>The N results of an image: the surest of its regions and classes, after suppression within each
/// class.</summary>
/// <param name="Rois">(N, 5).</param>
/// <param name="Scores">(N).</param>
/// <param name="Classes">(N), int64.</param>
internal sealed record BestRegions(Tensor Rois, Tensor Scores, Tensor Classes)
{
    /// <summary>(N, 4).</summary>
    internal Tensor Boxes => Rois.narrow(1, 1, 4).contiguous();

    /// <summary>Chooses results.</summary>
    /// <param name="rois">(R, 5).</param>
    /// <param name="scores">(R, K): the probability of each class.</param>
    /// <param name="config">the least score, the most overlap and the most results.</param>
    internal static BestRegions Of(Tensor rois, Tensor scores, DetectorConfig config)
    {
        var pairs = scores.gt(config.LeastScore).nonzero(); // (candidates, 2)
        var (regions, classes) = (pairs.select(1, 0), pairs.select(1, 1));
        var candidates = rois.index_select(0, regions); // (candidates, 5)
        var sure = scores.flatten().index_select(0, regions * scores.shape[1] + classes); // (candidates)
        var boxes = candidates.narrow(1, 1, 4).contiguous(); // (candidates, 4)
        var kept = Nms.ByClass(boxes, sure, classes, config.ResultOverlap);
        kept = kept.narrow(0, 0, Math.Min(config.MostResults, kept.shape[0]));
        return new(candidates.index_select(0, kept), sure.index_select(0, kept), classes.index_select(0, kept));
    }
}
