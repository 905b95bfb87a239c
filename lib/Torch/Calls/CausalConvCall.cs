using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace PatchKit.Torch.Calls;

/// <summary>A call of the fused causal convolution; mirrors CausalConvCall in lib/Native/api/calls.h.</summary>
[StructLayout(LayoutKind.Sequential)]
internal partial struct CausalConvCall
{
    internal long Batch,
        Length,
        Channels,
        Width;
    internal int Silu,
        Type,
        Threads,
        Unused;
    internal View2 X,
        Initial,
        Out;
    internal nint Weight,
        Bias;
    internal View2 GradOut,
        GradX,
        GradInitial;
    internal nint GradWeight,
        GradBias;

    internal readonly void Forward(KernelTarget target, Tensor x)
    {
        if (target.Cuda is { } cuda)
            cuda.Run("causal_conv_forward", this, x);
        else
            Kernels.Finish(pk_causal_conv_forward(this), "causal_conv1d");
    }

    internal readonly void Backward(KernelTarget target, Tensor x)
    {
        if (target.Cuda is { } cuda)
            cuda.Run("causal_conv_backward", this, x);
        else
            Kernels.Finish(pk_causal_conv_backward(this), "causal_conv1d");
    }

    [LibraryImport(NativeLibraries.PatchKit)]
    private static partial int pk_causal_conv_forward(in CausalConvCall call);

    [LibraryImport(NativeLibraries.PatchKit)]
    private static partial int pk_causal_conv_backward(in CausalConvCall call);
}
