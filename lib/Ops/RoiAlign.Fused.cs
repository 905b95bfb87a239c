using PatchKit.Torch;
using PatchKit.Torch.Calls;
using static TorchSharp.torch;

namespace PatchKit.Ops;

/// <content>The fused form: each bin's samples are taken where they lie, and no weights are kept.</content>
public static partial class RoiAlign
{
    /// <summary>
    /// libpatchkit's form; on a GPU libpatchkit_cuda's, where regions are float32 and features of any of three types.
    /// </summary>
    /// <inheritdoc cref="Run"/>
    internal static Tensor Fused(
        Tensor features,
        Tensor rois,
        (int Height, int Width) outputSize,
        double scale,
        int samplingRatio,
        bool aligned
    )
    {
        var F = new Operand(features);
        CheckOperands(F, new Operand(rois));
        // Regions far from 0 need more than bfloat16's 8 bits: they are read as float32 at least.
        var target = KernelTarget.Of(F);
        var (type, regions) = target.Types(F.Type, F.Type);
        if (F.Type != type)
        {
            using var scope = NewDisposeScope();
            return Fused(features.to_type(type), rois, outputSize, scale, samplingRatio, aligned)
                .to_type(F.Type)
                .MoveToOuterDisposeScope();
        }
        var settings = new RoiAlignCall
        {
            Maps = F.Size(0),
            Channels = F.Size(1),
            Height = F.Size(2),
            Width = F.Size(3),
            OutHeight = outputSize.Height,
            OutWidth = outputSize.Width,
            SamplingRatio = samplingRatio,
            Scale = scale,
            Aligned = aligned ? 1 : 0,
            Type = (int)type,
        };
        return AutogradNode.Run(
            "patchkit::roi_align",
            [features],
            () => Forward(target, features, rois, regions, settings),
            (saved, gradients) => Backward(target, saved[0]!, gradients[0], settings)
        )[0];
    }

    private static (Tensor[] Outputs, Tensor?[] Saved) Forward(
        KernelTarget target,
        Tensor features,
        Tensor rois,
        ScalarType regions,
        RoiAlignCall call
    )
    {
        var (F, R) = (Operand.Contiguous(features), Operand.Contiguous(rois.detach(), regions));
        CheckRegions(R, F.Size(0));
        (call.Rois, call.Threads) = (R.Size(0), get_num_threads());
        var output = target.Empty([call.Rois, call.Channels, call.OutHeight, call.OutWidth], F.Type);
        (call.Features, call.Regions, call.Out) = (F.Data, R.Data, new Operand(output).Data);
        call.Forward(target, F.Tensor!);
        return ([output], [R.Tensor]);
    }

    private static Tensor?[] Backward(KernelTarget target, Tensor rois, Tensor? gradient, RoiAlignCall call)
    {
        if (gradient is null)
            return [null];
        var (R, G) = (new Operand(rois), Operand.Contiguous(gradient));
        var gradFeatures = target.Empty([call.Maps, call.Channels, call.Height, call.Width], R.Type);
        (call.Rois, call.Threads) = (R.Size(0), get_num_threads());
        (call.Features, call.Regions, call.Out) = (new Operand(gradFeatures).Data, R.Data, G.Data);
        call.Backward(target, G.Tensor!);
        return [gradFeatures.dtype == G.Type ? gradFeatures : gradFeatures.to_type(G.Type)];
    }

    private static void CheckOperands(in Operand features, in Operand rois)
    {
        if (!features.IsFloating)
            throw new ArgumentException(
                $"patchkit::roi_align: features are {features.Type}, but sampling needs a floating type; "
                    + "convert them to Float32, Float64 or BFloat16."
            );
        if (features.Size(2) < 1 || features.Size(3) < 1)
            throw new ArgumentException(
                $"patchkit::roi_align: features {features} have no cells; give maps of at least 1 x 1."
            );
        if (!rois.IsOnDeviceOf(features))
            throw new ArgumentException(
                $"patchkit::roi_align: features are on {features.Tensor!.device} and rois "
                    + $"on {rois.Tensor!.device}; move them to one device."
            );
    }

    private static void CheckRegions(in Operand rois, long maps)
    {
        if (rois.Size(0) == 0)
            return;
        using var scope = NewDisposeScope();
        if (!rois.Tensor!.isfinite().all().item<bool>())
            throw new ArgumentException(
                "patchkit::roi_align: a region has a corner that is not finite; look for NaN in the deltas "
                    + "that made it."
            );
        var index = rois.Tensor.select(1, 0).to_type(ScalarType.Float64);
        double lowest = index.min().item<double>(),
            highest = index.max().item<double>();
        if (lowest < 0 || highest >= maps)
            throw new ArgumentException(
                $"patchkit::roi_align: regions name the maps {lowest} to {highest}, but there are {maps}; "
                    + "the first column counts maps from 0."
            );
    }
}
