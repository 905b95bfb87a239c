using PatchKit.Torch;
using PatchKit.Torch.Calls;
using static TorchSharp.torch;

namespace PatchKit.Ops;

/// <content>The fused form: the gate, the mean square and the weight in one pass over a row.</content>
public static partial class RmsNorm
{
    /// <summary>
    /// libpatchkit's form; on a GPU libpatchkit_cuda's, where the weight is float32 and x of any of three types.
    /// </summary>
    /// <inheritdoc cref="Run"/>
    internal static Tensor Fused(
        Tensor x,
        Tensor weight,
        Tensor? z = null,
        double eps = 1e-5,
        long groupSize = 0,
        bool normBeforeGate = false
    )
    {
        var (X, W) = (new Operand(x), new Operand(weight));
        CheckOperands(X, W, new Operand(z), groupSize);
        long group = groupSize == 0 ? X.Size(X.Dimensions - 1) : groupSize;
        var target = KernelTarget.Of(X);
        var (type, small) = target.Types(X.Type, W.Type);
        if (X.Type != type || W.Type != small)
        {
            using var scope = NewDisposeScope();
            return Fused(x.to_type(type), weight.to_type(small), z?.to_type(type), eps, group, normBeforeGate)
                .to_type(X.Type)
                .MoveToOuterDisposeScope();
        }
        return AutogradNode.Run(
            "patchkit::rms_norm",
            [x, weight, z],
            () => Forward(target, x, weight, z, eps, group, normBeforeGate),
            (saved, gradients) => Backward(target, saved, gradients[0], group, normBeforeGate)
        )[0];
    }

    private static (Tensor[] Outputs, Tensor?[] Saved) Forward(
        KernelTarget target,
        Tensor x,
        Tensor weight,
        Tensor? z,
        double eps,
        long group,
        bool normBeforeGate
    )
    {
        var X = AsRows(x);
        var W = Operand.Contiguous(weight);
        var call = Call(X, W, AsRows(z), group, normBeforeGate);
        var output = target.Empty(new Operand(x).Shape, X.Type);
        var reciprocalRms = target.Empty([X.Size(0), X.Size(1) / group], W.Type); // (rows, groups)
        call.Eps = eps;
        call.Out = new() { Data = new Operand(output).Data, Stride0 = X.Size(1) };
        call.ReciprocalRms = new Operand(reciprocalRms).Data;
        call.Forward(target, X.Tensor!);
        return ([output], [x, weight, z, reciprocalRms]);
    }

    private static Tensor?[] Backward(
        KernelTarget target,
        Tensor?[] saved,
        Tensor? gradient,
        long group,
        bool normBeforeGate
    )
    {
        if (gradient is null)
            return new Tensor?[3];
        var (X, W, Z) = (AsRows(saved[0]), Operand.Contiguous(saved[1]), AsRows(saved[2]));
        var shape = new Operand(saved[0]).Shape;
        var call = Call(X, W, Z, group, normBeforeGate);
        var (gradX, gradWeight) = (target.Empty(shape, X.Type), target.Empty(W.Shape, W.Type));
        var gradZ = Z.Present ? target.Empty(shape, X.Type) : null;
        call.ReciprocalRms = new Operand(saved[3]).Data;
        call.GradOut = AsRows(gradient).View1;
        call.GradX = new() { Data = new Operand(gradX).Data, Stride0 = X.Size(1) };
        call.GradZ = new() { Data = new Operand(gradZ).Data, Stride0 = X.Size(1) };
        call.GradWeight = new Operand(gradWeight).Data;
        call.Backward(target, X.Tensor!);
        return [gradX, gradWeight, gradZ];
    }

    private static RmsNormCall Call(in Operand x, in Operand weight, in Operand z, long group, bool normBeforeGate) =>
        new()
        {
            Rows = x.Size(0),
            Channels = x.Size(1),
            GroupSize = group,
            NormBeforeGate = normBeforeGate ? 1 : 0,
            Type = (int)x.Type,
            Threads = get_num_threads(),
            X = x.View1,
            Z = z.View1,
            Weight = weight.Data,
        };

    /// <summary>(..., channels) as (rows, channels), without a copy where the strides allow it.</summary>
    private static Operand AsRows(Tensor? tensor)
    {
        if (tensor is null)
            return default;
        var operand = new Operand(tensor);
        if (operand.Dimensions == 2)
            return Operand.Rows(tensor);
        long channels = operand.Size(operand.Dimensions - 1);
        return Operand.Rows(tensor.reshape(operand.Count / channels, channels));
    }

    private static void CheckOperands(in Operand x, in Operand weight, in Operand z, long groupSize)
    {
        if (x.Dimensions < 1 || x.Size(x.Dimensions - 1) < 1)
            throw new ArgumentException(
                $"patchkit::rms_norm: x is {x}, but it needs a last dimension of at least 1 channel; "
                    + "reshape it to (..., channels)."
            );
        if (!x.IsFloating)
            throw new ArgumentException(
                $"patchkit::rms_norm: x is {x.Type}, but the norm needs a floating type; convert it to "
                    + "Float32, Float64 or BFloat16."
            );
        long channels = x.Size(x.Dimensions - 1);
        if (weight.Dimensions != 1 || weight.Size(0) != channels)
            throw new ArgumentException(
                $"patchkit::rms_norm: weight is {weight}, but x {x} has {channels} channels; give a weight "
                    + $"of shape [{channels}]."
            );
        if (!weight.IsOnDeviceOf(x))
            throw new ArgumentException(
                $"patchkit::rms_norm: x is on {x.Tensor!.device} and weight on {weight.Tensor!.device}; "
                    + "move them to one device."
            );
        if (groupSize < 0 || (groupSize > 0 && channels % groupSize != 0))
            throw new ArgumentException(
                $"patchkit::rms_norm: group size {groupSize} does not divide {channels} channels; use a "
                    + "divisor, or 0 for one group."
            );
        if (z.Present && !(z.HasShapeOf(x) && z.Type == x.Type && z.IsOnDeviceOf(x)))
            throw new ArgumentException(
                $"patchkit::rms_norm: z is {z.Type} {z} on {z.Tensor!.device} and x is {x.Type} {x} "
                    + $"on {x.Tensor!.device}; give them one type, shape and device."
            );
    }
}
