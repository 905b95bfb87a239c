using System.Runtime.InteropServices;

namespace PatchKit;

/// <summary>A call of the fused RMSNorm; mirrors Call in lib/Native/api/norm.cpp.</summary>
[StructLayout(LayoutKind.Sequential)]
internal partial struct RmsNormCall
{
    internal long Rows, Channels, GroupSize;
    internal double Eps;
    internal int NormBeforeGate, Type, Threads, Unused;
    internal View1 X, Z, Out;
    internal nint Weight, ReciprocalRms;
    internal View1 GradOut, GradX, GradZ;
    internal nint GradWeight;

    internal readonly void Forward() => Kernels.Finish(pk_rms_norm_forward(this), "rms_norm");

    internal readonly void Backward() => Kernels.Finish(pk_rms_norm_backward(this), "rms_norm");

    [LibraryImport(NativeLibraries.PatchKit)] private static partial int pk_rms_norm_forward(in RmsNormCall call);
    [LibraryImport(NativeLibraries.PatchKit)] private static partial int pk_rms_norm_backward(in RmsNormCall call);
}
