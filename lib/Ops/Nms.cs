using PatchKit.Torch.Calls;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Ops;

/// <summary>
/// Non-maximum suppression: boxes by falling score, each dropped that overlaps an earlier one too much. Equal scores
/// keep their order.
/// </summary>
public static partial class Nms
{
    /// <summary>The fused form where the device has it, else the composed one. No gradients.</summary>
    /// <param name="boxes">(N, 4): left, top, right, bottom.</param>
    /// <param name="scores">(N).</param>
    /// <param name="iou">a box is dropped when its intersection over union with a better one that was kept is above
    /// this.</param>
    /// <returns>(K), int64: the boxes that are kept, the best first.</returns>
    /// <exception cref="ArgumentException">The shapes do not fit each other.</exception>
    public static Tensor Run(Tensor boxes, Tensor scores, double iou) => Select(boxes, scores, null, iou);

    /// <summary>The same where only boxes of the same class drop each other, as torchvision's batched_nms.</summary>
    /// <param name="boxes">(N, 4): left, top, right, bottom.</param>
    /// <param name="scores">(N).</param>
    /// <param name="classes">(N), int64: classes, or feature levels, or images.</param>
    /// <param name="iou">as in <see cref="Run"/>.</param>
    /// <inheritdoc cref="Run" path="/returns"/>
    /// <inheritdoc cref="Run" path="/exception"/>
    public static Tensor ByClass(Tensor boxes, Tensor scores, Tensor classes, double iou) =>
        Select(boxes, scores, classes, iou);

    /// <summary>The definition, over the whole matrix of overlaps.</summary>
    /// <param name="boxes">(N, 4).</param>
    /// <param name="scores">(N).</param>
    /// <param name="classes">(N), int64; null where all boxes are of one class.</param>
    /// <param name="iou">as in <see cref="Run"/>.</param>
    /// <inheritdoc cref="Run" path="/returns"/>
    /// <inheritdoc cref="Run" path="/exception"/>
    public static Tensor Composed(Tensor boxes, Tensor scores, Tensor? classes, double iou)
    {
        Check(boxes, scores, classes);
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        var drops = Boxes.Iou(boxes, boxes).gt(iou); // (N, N)
        if (classes is not null)
            drops = drops.logical_and(classes.unsqueeze(1).eq(classes.unsqueeze(0)));
        bool[] dropsPair = drops.cpu().flatten().data<bool>().ToArray(); // ToArray throws on an empty matrix
        double[] values = scores.detach().cpu().to_type(ScalarType.Float64).contiguous().data<double>().ToArray();
        var kept = new List<long>();
        foreach (int candidate in Enumerable.Range(0, values.Length).OrderByDescending(i => values[i]))
            if (!kept.Exists(better => dropsPair[better * values.Length + candidate]))
                kept.Add(candidate);
        return tensor(kept.ToArray(), ScalarType.Int64).to(boxes.device).MoveToOuterDisposeScope();
    }

    private static Tensor Select(Tensor boxes, Tensor scores, Tensor? classes, double iou)
    {
        Check(boxes, scores, classes);
        return KernelTarget.Has(boxes) ? Fused(boxes, scores, classes, iou) : Composed(boxes, scores, classes, iou);
    }

    private static void Check(Tensor boxes, Tensor scores, Tensor? classes)
    {
        if (boxes.ndim != 2 || boxes.shape[1] != 4 || scores.ndim != 1 || scores.shape[0] != boxes.shape[0])
            throw new ArgumentException(
                $"boxes of shape [{string.Join(", ", boxes.shape)}] and scores of shape "
                    + $"[{string.Join(", ", scores.shape)}] do not go together; use [N, 4] and [N]."
            );
        if (classes is not null && (classes.ndim != 1 || classes.shape[0] != boxes.shape[0]))
            throw new ArgumentException(
                $"boxes of shape [{string.Join(", ", boxes.shape)}] and classes of shape "
                    + $"[{string.Join(", ", classes.shape)}] do not go together; use [N, 4] and [N]."
            );
    }
}
