using PatchKit.Torch;
using PatchKit.Torch.Calls;
using static TorchSharp.torch;

namespace PatchKit.Ops;

/// <content>The fused form: the taps, the bias and SiLU in one pass over the tokens.</content>
public static partial class CausalConv
{
    private const int Widest = 8;

    /// <summary>
    /// libpatchkit's form; on a GPU libpatchkit_cuda's, where weight and bias are float32 and x of any of three types.
    /// </summary>
    /// <inheritdoc cref="Run"/>
    internal static Tensor Fused(Tensor x, Tensor weight, Tensor? bias, bool silu, Tensor? initialStates = null)
    {
        var (X, W) = (new Operand(x), new Operand(weight));
        CheckOperands(X, W, new Operand(bias), new Operand(initialStates));
        var target = KernelTarget.Of(X);
        var (type, small) = target.Types(X.Type, W.Type);
        if (
            X.Type != type
            || W.Type != small
            || (bias?.dtype ?? small) != small
            || (initialStates?.dtype ?? type) != type
        )
        {
            using var scope = NewDisposeScope();
            return Fused(
                    x.to_type(type),
                    weight.to_type(small),
                    bias?.to_type(small),
                    silu,
                    initialStates?.to_type(type)
                )
                .to_type(X.Type)
                .MoveToOuterDisposeScope();
        }
        return AutogradNode.Run(
            "patchkit::causal_conv1d",
            [x, weight, bias, initialStates],
            () => Forward(target, x, weight, bias, silu, initialStates),
            (saved, gradients) => Backward(target, saved, gradients[0], silu)
        )[0];
    }

    private static (Tensor[] Outputs, Tensor?[] Saved) Forward(
        KernelTarget target,
        Tensor x,
        Tensor weight,
        Tensor? bias,
        bool silu,
        Tensor? initialStates
    )
    {
        var X = Operand.Rows(x);
        var call = Call(X, Operand.Contiguous(weight), Operand.Contiguous(bias), Operand.Rows(initialStates), silu);
        var output = target.Empty(X.Shape, X.Type);
        call.Out = new Operand(output).View2;
        call.Forward(target, X.Tensor!);
        return ([output], [x, weight, bias, initialStates]);
    }

    private static Tensor?[] Backward(KernelTarget target, Tensor?[] saved, Tensor? gradient, bool silu)
    {
        if (gradient is null)
            return new Tensor?[4];
        var (X, W, bias, initial) = (
            Operand.Rows(saved[0]),
            Operand.Contiguous(saved[1]),
            Operand.Contiguous(saved[2]),
            Operand.Rows(saved[3])
        );
        var call = Call(X, W, bias, initial, silu);
        var (gradX, gradWeight) = (target.Empty(X.Shape, X.Type), target.Empty(W.Shape, W.Type));
        var gradBias = bias.Present ? target.Empty(bias.Shape, bias.Type) : null;
        var gradInitial = initial.Present ? target.Empty(initial.Shape, initial.Type) : null;
        call.GradOut = Operand.Rows(gradient).View2;
        (call.GradX, call.GradInitial) = (new Operand(gradX).View2, new Operand(gradInitial).View2);
        (call.GradWeight, call.GradBias) = (new Operand(gradWeight).Data, new Operand(gradBias).Data);
        call.Backward(target, X.Tensor!);
        return [gradX, gradWeight, gradBias, gradInitial];
    }

    private static CausalConvCall Call(
        in Operand x,
        in Operand weight,
        in Operand bias,
        in Operand initial,
        bool silu
    ) =>
        new()
        {
            Batch = x.Size(0),
            Length = x.Size(1),
            Channels = x.Size(2),
            Width = weight.Size(1),
            Silu = silu ? 1 : 0,
            Type = (int)x.Type,
            Threads = get_num_threads(),
            X = x.View2,
            Initial = initial.View2,
            Weight = weight.Data,
            Bias = bias.Data,
        };

    private static void CheckOperands(in Operand x, in Operand weight, in Operand bias, in Operand initialStates)
    {
        if (x.Dimensions != 3)
            throw new ArgumentException(
                $"patchkit::causal_conv1d: x has {x.Dimensions} dimensions, {x}, but (batch, length, "
                    + "channels) are 3; unsqueeze the batch."
            );
        if (!x.IsFloating)
            throw new ArgumentException(
                $"patchkit::causal_conv1d: x is {x.Type}, but the convolution needs a floating type; "
                    + "convert it to Float32, Float64 or BFloat16."
            );
        if (weight.Dimensions != 2)
            throw new ArgumentException(
                $"patchkit::causal_conv1d: weight has {weight.Dimensions} dimensions, {weight}, but "
                    + "(channels, width) are 2; squeeze dimension 1 of a Conv1d's weight."
            );
        long channels = x.Size(2),
            width = weight.Size(1);
        if (width is < 1 or > Widest)
            throw new ArgumentException(
                $"patchkit::causal_conv1d: width {width} is not among 1 to {Widest}; use conv1d for wider ones."
            );
        CheckParameter(
            "weight",
            weight,
            x,
            [channels, width],
            "x is (batch, length, channels): transpose x if its channels come second."
        );
        if (bias.Present)
            CheckParameter("bias", bias, x, [channels], "give one bias per channel.");
        if (initialStates.Present)
            CheckParameter(
                "initial_states",
                initialStates,
                x,
                [x.Size(0), width - 1, channels],
                "give the width - 1 rows before x, (batch, width - 1, channels)."
            );
    }

    private static void CheckParameter(
        string name,
        in Operand operand,
        in Operand x,
        ReadOnlySpan<long> wanted,
        string wayOut
    )
    {
        if (!operand.Shape.SequenceEqual(wanted))
            throw new ArgumentException(
                $"patchkit::causal_conv1d: {name} is {operand}, but x {x} and the weight's width "
                    + $"need {Operand.Text(wanted)}; {wayOut}"
            );
        if (!operand.IsOnDeviceOf(x))
            throw new ArgumentException(
                $"patchkit::causal_conv1d: x is on {x.Tensor!.device} and {name} "
                    + $"on {operand.Tensor!.device}; move them to one device."
            );
    }
}
