using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Torch.Calls;

/// <summary>
/// Which library computes an operator: libpatchkit on the CPU, or libpatchkit_cuda on a GPU, whose weights and sums are
/// float32 whatever the type of x.
/// </summary>
/// <param name="Cuda">libpatchkit_cuda; null for the CPU's.</param>
/// <param name="Device">where outputs go; null for the CPU, which is where tensors are made anyway.</param>
internal readonly record struct KernelTarget(CudaLibrary? Cuda, Device? Device)
{
    /// <summary>Whether a library has fused operators for x.</summary>
    internal static bool Has(Tensor x) =>
        CudaLibrary.Emulated is null && x.device_type == DeviceType.CPU
            ? Kernels.Present
            : CudaLibrary.For(x.device_type) is not null && Computes(x.dtype);

    /// <summary>Whether a library has fused operators on the device.</summary>
    internal static bool Has(Device device) =>
        device.type == DeviceType.CPU ? Kernels.Present : CudaLibrary.For(device.type) is not null;

    /// <summary>The target for an operand, which has one.</summary>
    internal static KernelTarget Of(in Operand x) =>
        CudaLibrary.For(x.Tensor!.device_type) is { } cuda ? new(cuda, x.Tensor.device) : default;

    /// <summary>The types that x and its like, and that weights are brought to.</summary>
    internal (ScalarType Elements, ScalarType Small) Types(ScalarType x, ScalarType weight) =>
        Cuda is not null ? (x, ScalarType.Float32)
        : x == ScalarType.Float64 || weight == ScalarType.Float64 ? (ScalarType.Float64, ScalarType.Float64)
        : (ScalarType.Float32, ScalarType.Float32);

    /// <summary>A tensor for a result.</summary>
    internal Tensor Empty(ReadOnlySpan<long> shape, ScalarType type) => empty(shape, type, Device);

    private static bool Computes(ScalarType type) =>
        type is ScalarType.Float32 or ScalarType.BFloat16 or ScalarType.Float16;
}
