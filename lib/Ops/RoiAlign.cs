using PatchKit.Torch.Calls;
using static TorchSharp.torch;

namespace PatchKit.Ops;

/// <summary>
/// RoIAlign (He et al. 2017, "Mask R-CNN"): each region of a feature map resampled to a grid of bins of the same size,
/// each bin the mean of bilinear samples. The numbers are those of torchvision's and mmcv's operators.
/// </summary>
public static partial class RoiAlign
{
    /// <summary>The fused form where the device has it, else the composed one. Regions get no gradient.</summary>
    /// <param name="features">(N, C, H, W).</param>
    /// <param name="rois">(K, 5): the image's index, then left, top, right and bottom in the image's pixels.</param>
    /// <param name="outputSize">the bins of a region, rows and columns: (h, w).</param>
    /// <param name="scale">feature cells per pixel: 1 / stride.</param>
    /// <param name="samplingRatio">samples along each side of a bin; 0 for as many as the bin has cells, rounded
    /// up.</param>
    /// <param name="aligned">whether pixel i has its centre at i + .5 ("RoIAlign v2"); else a region is half a cell off
    /// and at least one cell large.</param>
    /// <returns>(K, C, h, w). A sample more than one cell outside the map counts as 0.</returns>
    /// <exception cref="ArgumentException">A shape does not fit, or the grid has no bins.</exception>
    public static Tensor Run(
        Tensor features,
        Tensor rois,
        (int Height, int Width) outputSize,
        double scale,
        int samplingRatio = 0,
        bool aligned = true
    )
    {
        Check(features, rois, outputSize, scale);
        return KernelTarget.Has(features)
            ? Fused(features, rois, outputSize, scale, samplingRatio, aligned)
            : Composed(features, rois, outputSize, scale, samplingRatio, aligned);
    }

    /// <summary>
    /// The definition: sampling is linear along each axis, so a region is A_y F A_x^T, with a row of weights for each
    /// bin.
    /// </summary>
    /// <inheritdoc cref="Run"/>
    public static Tensor Composed(
        Tensor features,
        Tensor rois,
        (int Height, int Width) outputSize,
        double scale,
        int samplingRatio = 0,
        bool aligned = true
    )
    {
        Check(features, rois, outputSize, scale);
        using var scope = NewDisposeScope();
        var (indices, edges) = (
            rois.select(1, 0).to_type(ScalarType.Int64),
            (rois.detach().to(features.dtype) * scale - (aligned ? .5 : 0)).narrow(1, 1, 4)
        );
        var ay = Weights(
            edges.select(1, 1),
            edges.select(1, 3),
            outputSize.Height,
            features.shape[2],
            samplingRatio,
            aligned
        ); // (K, h, H)
        var ax = Weights(
            edges.select(1, 0),
            edges.select(1, 2),
            outputSize.Width,
            features.shape[3],
            samplingRatio,
            aligned
        ); // (K, w, W)
        var maps = features.index_select(0, indices); // (K, C, H, W)
        var rows = ay.unsqueeze(1).matmul(maps); // (K, C, h, W)
        return rows.matmul(ax.unsqueeze(1).transpose(2, 3)).MoveToOuterDisposeScope(); // (K, C, h, w)
    }

    /// <summary>How much each of the map's cells along one axis counts in each bin.</summary>
    /// <returns>(K, bins, cells).</returns>
    private static Tensor Weights(Tensor from, Tensor to, int bins, long cells, int samplingRatio, bool aligned)
    {
        var (dtype, device) = (from.dtype, from.device);
        var size = aligned ? to - from : (to - from).clamp(min: 1); // (K)
        var bin = (size / bins).view(-1, 1, 1); // (K, 1, 1)
        var samples = samplingRatio > 0 ? full_like(bin, samplingRatio) : bin.ceil(); // (K, 1, 1)
        long most =
            samples.numel() == 0 ? 0 : Math.Max(0, (long)samples.max().to_type(ScalarType.Float64).item<double>());
        var i = arange(most, dtype, device); // (samples)
        var starts = from.view(-1, 1, 1) + arange(bins, dtype, device).view(1, -1, 1) * bin; // (K, bins, 1)
        var at = starts + (i + .5) * bin / samples.clamp(min: 1); // (K, bins, samples)
        var onMap = at.ge(-1).logical_and(at.le(cells)); // (K, bins, samples)
        var counts = i.lt(samples).logical_and(onMap).to_type(dtype); // (K, bins, samples)
        var clamped = at.clamp(0, cells - 1).unsqueeze(-1); // (K, bins, samples, 1)
        var distances = (clamped - arange(cells, dtype, device)).abs(); // (K, bins, samples, cells)
        var hats = (1 - distances).clamp(min: 0); // (K, bins, samples, cells)
        return (hats * counts.unsqueeze(-1)).sum(2) / samples.clamp(min: 1);
    }

    private static void Check(Tensor features, Tensor rois, (int Height, int Width) outputSize, double scale)
    {
        if (features.ndim != 4 || rois.ndim != 2 || rois.shape[1] != 5)
            throw new ArgumentException(
                $"features of shape [{string.Join(", ", features.shape)}] and regions of shape "
                    + $"[{string.Join(", ", rois.shape)}] do not go together; use [N, C, H, W] and [K, 5]."
            );
        if (outputSize.Height < 1 || outputSize.Width < 1)
            throw new ArgumentException(
                $"a grid of {outputSize.Height} x {outputSize.Width} has no bins; give at least 1 x 1, such as 7 x 7."
            );
        if (!(scale > 0) || double.IsInfinity(scale))
            throw new ArgumentException(
                $"a scale of {scale} gives the map no cells; use 1 / stride, such as 0.25 for stride 4."
            );
    }
}
