using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace PatchKit.Torch.Calls;

/// <summary>A call of the fused RMSNorm; mirrors RmsNormCall in lib/Native/api/calls.h.</summary>
[StructLayout(LayoutKind.Sequential)]
internal partial struct RmsNormCall
{
    internal long Rows,
        Channels,
        GroupSize;
    internal double Eps;
    internal int NormBeforeGate,
        Type,
        Threads,
        Unused;
    internal View1 X,
        Z,
        Out;
    internal nint Weight,
        ReciprocalRms;
    internal View1 GradOut,
        GradX,
        GradZ;
    internal nint GradWeight;

    internal readonly void Forward(KernelTarget target, Tensor x)
    {
        if (target.Cuda is { } cuda)
            cuda.Run("rms_norm_forward", this, x);
        else
            Kernels.Finish(pk_rms_norm_forward(this), "rms_norm");
    }

    internal readonly void Backward(KernelTarget target, Tensor x)
    {
        if (target.Cuda is { } cuda)
            cuda.Run("rms_norm_backward", this, x);
        else
            Kernels.Finish(pk_rms_norm_backward(this), "rms_norm");
    }

    [LibraryImport(NativeLibraries.PatchKit)]
    private static partial int pk_rms_norm_forward(in RmsNormCall call);

    [LibraryImport(NativeLibraries.PatchKit)]
    private static partial int pk_rms_norm_backward(in RmsNormCall call);
}
