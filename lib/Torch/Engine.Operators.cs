using PatchKit.Torch.Calls;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Torch;

/// <content>Which of PatchKit's own operators are fused, for doctor.</content>
public static partial class Engine
{
    private static readonly string[] FusedOperators =
    [
        "patchkit::ssd_scan",
        "patchkit::attention",
        "patchkit::causal_conv1d",
        "patchkit::rms_norm",
        "patchkit::roi_align",
        "patchkit::nms",
    ];

    /// <summary>
    /// PatchKit's own operators that a model uses on the device in their slower form, made of tensor operators;
    /// attention is then libtorch's own.
    /// </summary>
    internal static IEnumerable<string> ComposedOperators(Device device) =>
        KernelTarget.Has(device) ? [] : FusedOperators.Where(name => name != "patchkit::attention");
}
