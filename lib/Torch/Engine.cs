using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Torch;

/// <summary>What TorchSharp has no word for, over the libtorch that it brings.</summary>
public static partial class Engine
{
    /// <summary>
    /// What the driver calls a GPU, such as "NVIDIA H200"; null for a CPU, and where the driver does not say.
    /// </summary>
    /// <param name="device">the device.</param>
    public static string? DeviceName(Device device) => Driven(device)?.Name;

    private static CudaDriver.Gpu? Driven(Device device) =>
        device.type == DeviceType.CUDA
            ? CudaDriver.Gpus().Cast<CudaDriver.Gpu?>().ElementAtOrDefault(Math.Max(0, device.index))
            : null;
}
