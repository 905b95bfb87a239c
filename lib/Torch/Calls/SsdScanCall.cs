using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace PatchKit.Torch.Calls;

/// <summary>A call of the fused scan; mirrors SsdScanCall in lib/Native/api/calls.h.</summary>
[StructLayout(LayoutKind.Sequential)]
internal partial struct SsdScanCall
{
    internal long Batch,
        Length,
        Heads,
        Groups,
        HeadDim,
        StateDim,
        Chunk;
    internal int DPerFeature,
        DtSoftplus,
        Type,
        Threads;
    internal View3 X,
        Dt,
        B,
        C,
        Z;
    internal nint A,
        D,
        DtBias,
        InitialState;
    internal View3 Y;
    internal nint FinalState,
        ChunkStates;
    internal View3 GradY;
    internal nint GradFinalState;
    internal View3 GradX,
        GradZ;
    internal nint GradDt,
        GradA,
        GradB,
        GradC,
        GradD,
        GradInitialState;

    /// <summary>How many numbers of the states at the chunks' beginnings backward needs.</summary>
    internal readonly long StatesSize(KernelTarget target) =>
        target.Cuda?.Ask("ssd_scan_states_size", this) ?? pk_ssd_scan_states_size(this);

    /// <summary>Whether a GPU's shared memory holds the sizes.</summary>
    internal readonly bool Fits(CudaLibrary cuda) => (int)cuda.Ask("ssd_scan_fits", this) == 1;

    internal readonly void Forward(KernelTarget target, Tensor x)
    {
        if (target.Cuda is { } cuda)
            cuda.Run("ssd_scan_forward", this, x);
        else
            Kernels.Finish(pk_ssd_scan_forward(this), "ssd_scan");
    }

    internal readonly void Backward(KernelTarget target, Tensor x)
    {
        if (target.Cuda is { } cuda)
            cuda.Run("ssd_scan_backward", this, x);
        else
            Kernels.Finish(pk_ssd_scan_backward(this), "ssd_scan");
    }

    [LibraryImport(NativeLibraries.PatchKit)]
    private static partial long pk_ssd_scan_states_size(in SsdScanCall call);

    [LibraryImport(NativeLibraries.PatchKit)]
    private static partial int pk_ssd_scan_forward(in SsdScanCall call);

    [LibraryImport(NativeLibraries.PatchKit)]
    private static partial int pk_ssd_scan_backward(in SsdScanCall call);
}
