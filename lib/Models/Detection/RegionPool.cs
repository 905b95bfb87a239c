using PatchKit.Ops;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Models.Detection;

/// <summary>
/// Regions cut out of the pyramid, each from the level that suits its size (Lin et al. 2017, "Feature Pyramid
/// Networks", equation 1).
/// </summary>
public static class RegionPool
{
    // A region of 224 x 224 pixels is cut from stride 16.
    private const double CanonicalSize = 224,
        CanonicalStride = 16;

    /// <summary>Cuts regions.</summary>
    /// <param name="levels">(B, C, h, w) each, the finest first.</param>
    /// <param name="strides">their strides.</param>
    /// <param name="rois">(K, 5): the image's place in the batch, then left, top, right, bottom in pixels.</param>
    /// <param name="bins">the side of a cut region.</param>
    /// <param name="samples">samples along the side of a bin; 0 for as many as it has cells.</param>
    /// <returns>(K, C, bins, bins).</returns>
    public static Tensor Cut(
        IReadOnlyList<Tensor> levels,
        IReadOnlyList<int> strides,
        Tensor rois,
        int bins,
        int samples = 0
    )
    {
        if (levels.Count == 1)
            return RoiAlign.Run(levels[0], rois, (bins, bins), 1.0 / strides[0], samples);
        using var scope = NewDisposeScope();
        var places = Level(rois, strides); // (K)
        List<Tensor> cut = [],
            order = [];
        for (int level = 0; level < levels.Count; level++)
        {
            var here = places.eq(level).nonzero().flatten(); // (K of this level)
            if (here.shape[0] == 0)
                continue;
            order.Add(here);
            cut.Add(
                RoiAlign.Run(levels[level], rois.index_select(0, here), (bins, bins), 1.0 / strides[level], samples)
            );
        }
        if (cut.Count == 0)
            return zeros([0, levels[0].shape[1], bins, bins], levels[0].dtype, levels[0].device)
                .MoveToOuterDisposeScope();
        return cat(cut, 0).index_select(0, cat(order, 0).argsort()).MoveToOuterDisposeScope(); // (K, C, bins, bins)
    }

    /// <summary>The level of each region: the stride is 16 for a side of 224 pixels, and halves with it.</summary>
    /// <param name="rois">(K, 5).</param>
    /// <param name="strides">the levels' strides, the finest first, each twice the one before.</param>
    /// <returns>(K), int64: 0 for the finest.</returns>
    public static Tensor Level(Tensor rois, IReadOnlyList<int> strides)
    {
        using var scope = NewDisposeScope();
        var side = Boxes.Area(rois.narrow(1, 1, 4)).clamp(min: 0).sqrt(); // (K)
        var octaves = (
            (side / CanonicalSize + 1e-8).log() / Math.Log(2) + Math.Log2(CanonicalStride / strides[0])
        ).floor();
        return octaves.clamp(0, strides.Count - 1).to_type(ScalarType.Int64).MoveToOuterDisposeScope();
    }

    /// <summary>Regions of several images as one list.</summary>
    /// <param name="boxes">(K, 4) for each image.</param>
    /// <returns>(sum of K, 5), image after image.</returns>
    public static Tensor Rois(IReadOnlyList<Tensor> boxes)
    {
        using var scope = NewDisposeScope();
        return cat(
                [
                    .. boxes.Select(
                        (some, image) => cat([full([some.shape[0], 1], image, some.dtype, some.device), some], 1)
                    ),
                ],
                0
            )
            .MoveToOuterDisposeScope();
    }

    /// <summary>Which boxes (K, 4) have no area: (K), bool.</summary>
    internal static Tensor IsEmpty(Tensor boxes)
    {
        using var scope = NewDisposeScope();
        var (width, height) = (boxes.select(1, 2) - boxes.select(1, 0), boxes.select(1, 3) - boxes.select(1, 1));
        return width.le(0).logical_or(height.le(0)).MoveToOuterDisposeScope();
    }
}
