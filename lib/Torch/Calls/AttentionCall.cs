using System.Runtime.InteropServices;

namespace PatchKit.Torch.Calls;

/// <summary>A call of the tiled attention; mirrors Call in lib/Native/api/attention.cpp.</summary>
[StructLayout(LayoutKind.Sequential)]
internal partial struct AttentionCall
{
    internal long Batch,
        Heads,
        Queries,
        Keys,
        Dim;
    internal double Scale;
    internal int Causal,
        Type,
        Threads,
        Unused;
    internal View3 Q,
        K,
        V,
        Out;
    internal nint LogSumExp;
    internal View3 GradOut,
        GradQ,
        GradK,
        GradV;

    internal readonly void Forward() => Kernels.Finish(pk_attention_forward(this), "attention");

    internal readonly void Backward() => Kernels.Finish(pk_attention_backward(this), "attention");

    [LibraryImport(NativeLibraries.PatchKit)]
    private static partial int pk_attention_forward(in AttentionCall call);

    [LibraryImport(NativeLibraries.PatchKit)]
    private static partial int pk_attention_backward(in AttentionCall call);
}
