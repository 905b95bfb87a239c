using System.Runtime.InteropServices;
using PatchKit.Torch;
using PatchKit.Torch.Calls;
using static TorchSharp.torch;

namespace PatchKit.Ops;

/// <content>The fused form: boxes by falling score, each against those that were kept.</content>
public static partial class Nms
{
    /// <summary>libpatchkit's form; on a GPU libpatchkit_cuda's.</summary>
    /// <inheritdoc cref="Composed"/>
    internal static Tensor Fused(Tensor boxes, Tensor scores, Tensor? classes, double iou)
    {
        CheckOperands(new Operand(boxes), new Operand(scores), new Operand(classes));
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        var target = KernelTarget.Of(new Operand(boxes));
        var B = Operand.Contiguous(boxes, boxes.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32);
        var order = Operand.Contiguous(scores.sort(0, descending: true, stable: true).Indices);
        var C = Operand.Contiguous(classes, ScalarType.Int64);
        var kept = target.Empty([B.Size(0)], ScalarType.Int64);
        if (target.Cuda is { } cuda)
        {
            if (B.Size(0) == 0)
                return kept.MoveToOuterDisposeScope();
            var keptCount = target.Empty([1], ScalarType.Int64);
            cuda.Nms(B, order, C, iou, new Operand(kept), new Operand(keptCount));
            return kept.narrow(0, 0, keptCount.item<long>()).clone().MoveToOuterDisposeScope();
        }
        Kernels.Finish(
            pk_nms(B.Size(0), B.Data, (int)B.Type, order.Data, C.Data, iou, new Operand(kept).Data, out long count),
            "nms"
        );
        GC.KeepAlive(boxes);
        GC.KeepAlive(classes);
        return kept.narrow(0, 0, count).clone().MoveToOuterDisposeScope();
    }

    private static void CheckOperands(in Operand boxes, in Operand scores, in Operand classes)
    {
        if (!boxes.IsFloating)
            throw new ArgumentException(
                $"patchkit::nms: boxes are {boxes.Type}, but overlaps need a floating type; convert them to "
                    + "Float32 or Float64."
            );
        if (!scores.IsOnDeviceOf(boxes))
            throw new ArgumentException(
                $"patchkit::nms: scores are on {scores.Tensor!.device} and boxes on {boxes.Tensor!.device}; "
                    + "give one score for each box, on the same device."
            );
        if (classes.Present && !classes.IsOnDeviceOf(boxes))
            throw new ArgumentException(
                $"patchkit::nms: classes are on {classes.Tensor!.device} and boxes "
                    + $"on {boxes.Tensor!.device}; give one class for each box, on the same device."
            );
    }

    [LibraryImport(NativeLibraries.PatchKit)]
    private static partial int pk_nms(
        long count,
        nint boxes,
        int type,
        nint order,
        nint classes,
        double iou,
        nint kept,
        out long keptCount
    );
}
