using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace PatchKit.Torch.Calls;

/// <summary>
/// A call of the fused RoIAlign; mirrors RoiAlignCall in lib/Native/api/calls.h. In backward, Features and Out are
/// their gradients.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal partial struct RoiAlignCall
{
    internal long Maps,
        Channels,
        Height,
        Width,
        Rois,
        OutHeight,
        OutWidth,
        SamplingRatio;
    internal double Scale;
    internal int Aligned,
        Type,
        Threads,
        Unused;
    internal nint Features,
        Regions,
        Out;

    internal readonly void Forward(KernelTarget target, Tensor x)
    {
        if (target.Cuda is { } cuda)
            cuda.Run("roi_align_forward", this, x);
        else
            Kernels.Finish(pk_roi_align_forward(this), "roi_align");
    }

    internal readonly void Backward(KernelTarget target, Tensor x)
    {
        if (target.Cuda is { } cuda)
            cuda.Run("roi_align_backward", this, x);
        else
            Kernels.Finish(pk_roi_align_backward(this), "roi_align");
    }

    [LibraryImport(NativeLibraries.PatchKit)]
    private static partial int pk_roi_align_forward(in RoiAlignCall call);

    [LibraryImport(NativeLibraries.PatchKit)]
    private static partial int pk_roi_align_backward(in RoiAlignCall call);
}
