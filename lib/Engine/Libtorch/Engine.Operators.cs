using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit;

/// <content>PatchKit's own operators, from lib/Native/ops.</content>
public static partial class Engine
{
    private static readonly Op SsdScanOp = "patchkit::ssd_scan", AttentionOp = "patchkit::attention", CausalConvOp = "patchkit::causal_conv1d",
        RmsNormOp = "patchkit::rms_norm", RoiAlignOp = "patchkit::roi_align", NmsOp = "patchkit::nms", Sdpa = "aten::scaled_dot_product_attention";

    // What a device has kernels for; the operators above call these.
    private static readonly Op SsdScanKernel = "patchkit::_ssd_scan_forward", AttentionKernel = "patchkit::_attention_forward",
        CausalConvKernel = "patchkit::_causal_conv1d_forward", RmsNormKernel = "patchkit::_rms_norm_forward", RoiAlignKernel = "patchkit::_roi_align_forward";

    /// <summary>Whether the fused scan runs on the device.</summary>
    internal static bool HasSsdScan(Device device) => SsdScanKernel.RunsOn(device.type);

    /// <summary>patchkit::ssd_scan.</summary>
    internal static (Tensor Y, Tensor FinalState) SsdScan(Tensor x, Tensor dt, Tensor A, Tensor B, Tensor C, Tensor? D, Tensor? z, Tensor? dtBias, bool dtSoftplus, Tensor? initialState, int chunkSize) =>
        SsdScanOp.Call2(x, dt, A, B, C, D, z, dtBias, initialState, dtSoftplus, chunkSize);

    /// <summary>Whether libtorch has its own attention that keeps no L x L tensor.</summary>
    internal static bool HasSdpa => Sdpa.Exists;

    /// <summary>aten::scaled_dot_product_attention.</summary>
    internal static Tensor ScaledDotProductAttention(Tensor q, Tensor k, Tensor v, double? scale) => Sdpa.Call(q, k, v, Arg.None, 0.0, false, scale);

    /// <summary>Whether the tiled attention runs on the device.</summary>
    internal static bool HasAttention(Device device) => AttentionKernel.RunsOn(device.type);

    /// <summary>patchkit::attention.</summary>
    internal static Tensor Attention(Tensor q, Tensor k, Tensor v, double? scale) => AttentionOp.Call(q, k, v, false, scale);

    /// <summary>Whether the fused causal convolution runs on the device.</summary>
    internal static bool HasCausalConv(Device device) => CausalConvKernel.RunsOn(device.type);

    /// <summary>patchkit::causal_conv1d.</summary>
    internal static Tensor CausalConv(Tensor x, Tensor weight, Tensor? bias, bool silu, Tensor? initialStates) => CausalConvOp.Call(x, weight, bias, silu, initialStates);

    /// <summary>Whether the fused RMSNorm runs on the device.</summary>
    internal static bool HasRmsNorm(Device device) => RmsNormKernel.RunsOn(device.type);

    /// <summary>patchkit::rms_norm.</summary>
    internal static Tensor RmsNorm(Tensor x, Tensor weight, Tensor? z, double eps, long groupSize, bool normBeforeGate) => RmsNormOp.Call(x, weight, z, eps, groupSize, normBeforeGate);

    /// <summary>Whether the fused RoIAlign runs on the device.</summary>
    internal static bool HasRoiAlign(Device device) => RoiAlignKernel.RunsOn(device.type);

    /// <summary>patchkit::roi_align.</summary>
    internal static Tensor RoiAlign(Tensor features, Tensor rois, (int Height, int Width) outputSize, double scale, int samplingRatio, bool aligned) =>
        RoiAlignOp.Call(features, rois, outputSize.Height, outputSize.Width, scale, samplingRatio, aligned);

    /// <summary>Whether the fused non-maximum suppression runs on the device.</summary>
    internal static bool HasNms(Device device) => NmsOp.RunsOn(device.type);

    /// <summary>patchkit::nms.</summary>
    internal static Tensor Nms(Tensor boxes, Tensor scores, Tensor? classes, double iou) => NmsOp.Call(boxes, scores, iou, classes);

    /// <summary>PatchKit's own operators that this build of lib/Native lacks.</summary>
    internal static IEnumerable<string> AbsentOperators() =>
        new[] { NoOpOperator, SsdScanOp, AttentionOp, CausalConvOp, RmsNormOp, RoiAlignOp, NmsOp }.Where(op => !op.Exists).Select(op => op.ToString());

    /// <summary>PatchKit's own operators that a model uses on the device in their slower form, made of tensor operators.</summary>
    internal static IEnumerable<string> ComposedOperators(Device device) =>
        new[] { (HasSsdScan(device), SsdScanOp), (HasSdpa || HasAttention(device), AttentionOp), (HasCausalConv(device), CausalConvOp), (HasRmsNorm(device), RmsNormOp), (HasRoiAlign(device), RoiAlignOp), (HasNms(device), NmsOp) }
            .Where(op => !op.Item1).Select(op => op.Item2.ToString());
}
