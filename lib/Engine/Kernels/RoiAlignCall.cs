using System.Runtime.InteropServices;

namespace PatchKit;

/// <summary>A call of the fused RoIAlign; mirrors Call in lib/Native/api/roi_align.cpp. In backward, Features and Out are their gradients.</summary>
[StructLayout(LayoutKind.Sequential)]
internal partial struct RoiAlignCall
{
    internal long Maps, Channels, Height, Width, Rois, OutHeight, OutWidth, SamplingRatio;
    internal double Scale;
    internal int Aligned, Type, Threads, Unused;
    internal nint Features, Regions, Out;

    internal readonly void Forward() => Kernels.Finish(pk_roi_align_forward(this), "roi_align");

    internal readonly void Backward() => Kernels.Finish(pk_roi_align_backward(this), "roi_align");

    [LibraryImport(NativeLibraries.PatchKit)] private static partial int pk_roi_align_forward(in RoiAlignCall call);
    [LibraryImport(NativeLibraries.PatchKit)] private static partial int pk_roi_align_backward(in RoiAlignCall call);
}
