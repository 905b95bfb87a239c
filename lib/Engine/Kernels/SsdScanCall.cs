using System.Runtime.InteropServices;

namespace PatchKit;

/// <summary>A call of the fused scan; mirrors Call in lib/Native/api/ssd_scan.cpp.</summary>
[StructLayout(LayoutKind.Sequential)]
internal partial struct SsdScanCall
{
    internal long Batch, Length, Heads, Groups, HeadDim, StateDim, Chunk;
    internal int DPerFeature, DtSoftplus, Type, Threads;
    internal View3 X, Dt, B, C, Z;
    internal nint A, D, DtBias, InitialState;
    internal View3 Y;
    internal nint FinalState, ChunkStates;
    internal View3 GradY;
    internal nint GradFinalState;
    internal View3 GradX, GradZ;
    internal nint GradDt, GradA, GradB, GradC, GradD, GradInitialState;

    /// <summary>How many numbers of the states at the chunks' beginnings backward needs.</summary>
    internal readonly long StatesSize => pk_ssd_scan_states_size(this);

    internal readonly void Forward() => Kernels.Finish(pk_ssd_scan_forward(this), "ssd_scan");

    internal readonly void Backward() => Kernels.Finish(pk_ssd_scan_backward(this), "ssd_scan");

    [LibraryImport(NativeLibraries.PatchKit)] private static partial long pk_ssd_scan_states_size(in SsdScanCall call);
    [LibraryImport(NativeLibraries.PatchKit)] private static partial int pk_ssd_scan_forward(in SsdScanCall call);
    [LibraryImport(NativeLibraries.PatchKit)] private static partial int pk_ssd_scan_backward(in SsdScanCall call);
}
