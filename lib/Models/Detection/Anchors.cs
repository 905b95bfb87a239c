using static TorchSharp.torch;

namespace PatchKit.Models.Detection;

/// <summary>
/// The boxes that proposals start from: a few forms at every place of every level (Ren et al. 2015, "Faster R-CNN").
/// </summary>
public static class Anchors
{
    /// <summary>The anchors of one level, row by row, at each place one of each aspect.</summary>
    /// <param name="height">rows of the level's map.</param>
    /// <param name="width">its columns.</param>
    /// <param name="stride">the level's stride in pixels.</param>
    /// <param name="scale">the root of an anchor's area, in strides.</param>
    /// <param name="aspects">heights over widths, A of them.</param>
    /// <param name="device">where.</param>
    /// <returns>(height x width x A, 4): left, top, right, bottom in pixels. Anchors are centred on their cell and may
    /// reach out of the image.</returns>
    public static Tensor Of(
        long height,
        long width,
        int stride,
        double scale,
        IReadOnlyList<double> aspects,
        Device? device = null
    )
    {
        using var scope = NewDisposeScope();
        var halves = tensor(
            aspects
                .SelectMany(aspect =>
                {
                    float half = (float)(scale * stride / 2),
                        root = (float)Math.Sqrt(aspect);
                    return new[] { -half / root, -half * root, half / root, half * root };
                })
                .ToArray(),
            [1, aspects.Count, 4],
            device: device
        ); // (1, A, 4)
        var rows = (arange(height, dtype: float32, device: device) + .5) * stride; // (h)
        var columns = (arange(width, dtype: float32, device: device) + .5) * stride; // (w)
        var y = rows.view(-1, 1).expand(-1, width); // (h, w)
        var x = columns.view(1, -1).expand(height, -1); // (h, w)
        var centres = stack([x, y, x, y], -1).view(-1, 1, 4); // (h w, 1, 4)
        return (centres + halves).view(-1, 4).MoveToOuterDisposeScope(); // (h w A, 4)
    }
}
