using static TorchSharp.torch;

namespace PatchKit.Ops;

/// <summary>
/// Boxes (..., 4) of left, top, right and bottom: areas, overlaps, and the deltas by which a detector moves them
/// (R-CNN, Girshick et al. 2014).
/// </summary>
public static class Boxes
{
    /// <summary>
    /// The weights of a delta's four numbers in a plain box head. The three stages of Cascade R-CNN use (10, 10, 5, 5),
    /// (20, 20, 10, 10) and (30, 30, 15, 15), an RPN (1, 1, 1, 1).
    /// </summary>
    public static readonly (double X, double Y, double Width, double Height) UsualWeights = (10, 10, 5, 5);

    /// <summary>The most that a delta may enlarge a side: log(1000 / 16), as in Detectron.</summary>
    public static readonly double MostGrowth = Math.Log(1000.0 / 16);

    /// <summary>Width times height.</summary>
    /// <param name="boxes">(..., 4).</param>
    /// <returns>(...).</returns>
    public static Tensor Area(Tensor boxes)
    {
        using var scope = NewDisposeScope();
        var (left, top, right, bottom) = Edges(boxes);
        return ((right - left) * (bottom - top)).MoveToOuterDisposeScope();
    }

    /// <summary>Intersection over union of every pair; 0 where both are empty.</summary>
    /// <param name="a">(N, 4).</param>
    /// <param name="b">(M, 4).</param>
    /// <returns>(N, M).</returns>
    public static Tensor Iou(Tensor a, Tensor b)
    {
        using var scope = NewDisposeScope();
        var (left, top, right, bottom) = Edges(a.unsqueeze(1)); // (N, 1) each
        var (left2, top2, right2, bottom2) = Edges(b.unsqueeze(0)); // (1, M) each
        var width = (right.minimum(right2) - left.maximum(left2)).clamp(min: 0); // (N, M)
        var height = (bottom.minimum(bottom2) - top.maximum(top2)).clamp(min: 0); // (N, M)
        var shared = width * height;
        var union = Area(a).unsqueeze(1) + Area(b).unsqueeze(0) - shared;
        return where(union.gt(0), shared / union, zeros_like(union)).MoveToOuterDisposeScope();
    }

    /// <summary>Boxes cut off at the image's edges; what lies outside becomes empty.</summary>
    /// <param name="boxes">(..., 4).</param>
    /// <param name="height">of the image.</param>
    /// <param name="width">of the image.</param>
    /// <returns>(..., 4).</returns>
    public static Tensor Clip(Tensor boxes, double height, double width)
    {
        using var scope = NewDisposeScope();
        var (left, top, right, bottom) = Edges(boxes);
        return stack([left.clamp(0, width), top.clamp(0, height), right.clamp(0, width), bottom.clamp(0, height)], -1)
            .MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The deltas that carry anchors onto boxes: offsets of the centre in sizes of the anchor, and logarithms of the
    /// ratios of sides, each weighted.
    /// </summary>
    /// <param name="anchors">(N, 4), of positive size.</param>
    /// <param name="boxes">(N, 4), of positive size.</param>
    /// <param name="weights"><see cref="UsualWeights"/> where null.</param>
    /// <returns>(N, 4): x, y, width, height.</returns>
    public static Tensor Encode(
        Tensor anchors,
        Tensor boxes,
        (double X, double Y, double Width, double Height)? weights = null
    )
    {
        using var scope = NewDisposeScope();
        var by = weights ?? UsualWeights;
        var (x, y, w, h) = Centres(anchors);
        var (x2, y2, w2, h2) = Centres(boxes);
        return stack(
                [(x2 - x) / w * by.X, (y2 - y) / h * by.Y, (w2 / w).log() * by.Width, (h2 / h).log() * by.Height],
                -1
            )
            .MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Anchors moved by deltas: the inverse of <see cref="Encode"/>, with growth limited by <see cref="MostGrowth"/>.
    /// </summary>
    /// <param name="deltas">(N, 4).</param>
    /// <param name="anchors">(N, 4).</param>
    /// <param name="weights"><see cref="UsualWeights"/> where null.</param>
    /// <returns>(N, 4).</returns>
    public static Tensor Decode(
        Tensor deltas,
        Tensor anchors,
        (double X, double Y, double Width, double Height)? weights = null
    )
    {
        using var scope = NewDisposeScope();
        var by = weights ?? UsualWeights;
        var (x, y, w, h) = Centres(anchors);
        var (dx, dy, dw, dh) = Edges(deltas);
        var (x2, y2) = (x + dx / by.X * w, y + dy / by.Y * h);
        var (halfWidth, halfHeight) = (
            (dw / by.Width).clamp(max: MostGrowth).exp() * w * .5,
            (dh / by.Height).clamp(max: MostGrowth).exp() * h * .5
        );
        return stack([x2 - halfWidth, y2 - halfHeight, x2 + halfWidth, y2 + halfHeight], -1).MoveToOuterDisposeScope();
    }

    private static (Tensor, Tensor, Tensor, Tensor) Edges(Tensor boxes) =>
        (boxes.select(-1, 0), boxes.select(-1, 1), boxes.select(-1, 2), boxes.select(-1, 3));

    private static (Tensor X, Tensor Y, Tensor Width, Tensor Height) Centres(Tensor boxes)
    {
        var (left, top, right, bottom) = Edges(boxes);
        var (width, height) = (right - left, bottom - top);
        return (left + width * .5, top + height * .5, width, height);
    }
}
