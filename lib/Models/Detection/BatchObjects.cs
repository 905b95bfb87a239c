using PatchKit.Data;
using static TorchSharp.torch;

namespace PatchKit.Models.Detection;

/// <summary>The N objects of all images of a batch, as one list.</summary>
/// <param name="Boxes">(N, 4).</param>
/// <param name="Classes">(N).</param>
/// <param name="Masks">(N, H, W).</param>
/// <param name="Masked">(N): whose masks are known; null where all are.</param>
/// <param name="Owners">(N): the place of each one's image in the batch.</param>
internal sealed record BatchObjects(Tensor Boxes, Tensor Classes, Tensor Masks, Tensor? Masked, Tensor Owners)
{
    /// <summary>Joins the objects of each image.</summary>
    internal static BatchObjects Of(IReadOnlyList<ObjectTargets> targets)
    {
        var masked = targets.Any(image => image.Masked is not null)
            ? cat([.. targets.Select(image => image.Masked ?? ones_like(image.Classes, ScalarType.Bool))], 0)
            : null;
        return new(
            cat([.. targets.Select(image => image.Boxes)], 0),
            cat([.. targets.Select(image => image.Classes)], 0),
            cat([.. targets.Select(image => image.Masks)], 0),
            masked,
            RegionPool.Rois([.. targets.Select(image => image.Boxes)]).select(1, 0)
        );
    }
}
