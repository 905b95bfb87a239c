using static TorchSharp.torch;

namespace PatchKit;

/// <content>TorchSharp's libtorch has none of PatchKit's own operators: the forms made of tensor operators are used.</content>
public static partial class Engine
{
    internal static bool HasSsdScan(Device device) => false;

    internal static (Tensor Y, Tensor FinalState) SsdScan(Tensor x, Tensor dt, Tensor A, Tensor B, Tensor C, Tensor? D, Tensor? z, Tensor? dtBias, bool dtSoftplus, Tensor? initialState, int chunkSize) => throw Lacks("fused scan");

    internal static bool HasSdpa => true;

    /// <summary>TorchSharp's attention scales by 1 / sqrt(D); another scale goes into q.</summary>
    internal static Tensor ScaledDotProductAttention(Tensor q, Tensor k, Tensor v, double? scale) =>
        nn.functional.scaled_dot_product_attention(scale is { } s ? q * (s * Math.Sqrt(q.shape[^1])) : q, k, v);

    internal static bool HasAttention(Device device) => false;

    internal static Tensor Attention(Tensor q, Tensor k, Tensor v, double? scale) => throw Lacks("tiled attention");

    internal static bool HasCausalConv(Device device) => false;

    internal static Tensor CausalConv(Tensor x, Tensor weight, Tensor? bias, bool silu, Tensor? initialStates) => throw Lacks("fused causal convolution");

    internal static bool HasRmsNorm(Device device) => false;

    internal static Tensor RmsNorm(Tensor x, Tensor weight, Tensor? z, double eps, long groupSize, bool normBeforeGate) => throw Lacks("fused RMSNorm");

    internal static bool HasRoiAlign(Device device) => false;

    internal static Tensor RoiAlign(Tensor features, Tensor rois, (int Height, int Width) outputSize, double scale, int samplingRatio, bool aligned) => throw Lacks("fused RoIAlign");

    internal static bool HasNms(Device device) => false;

    internal static Tensor Nms(Tensor boxes, Tensor scores, Tensor? classes, double iou) => throw Lacks("fused non-maximum suppression");

    internal static IEnumerable<string> AbsentOperators() => ["patchkit::*"];

    internal static IEnumerable<string> ComposedOperators(Device device) => AbsentOperators();
}
