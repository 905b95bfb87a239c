using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Training;

/// <summary>The devices that commands and notebooks take.</summary>
public static class Devices
{
    /// <summary>
    /// What matrix products fall to in training, and in tests of classifiers and segmentation models: bfloat16 on a GPU, as in the official code, nothing on a CPU. Detectors are tested in float32: boxes would lose pixels.
    /// </summary>
    public static ScalarType? Lower(Device device) => device.type == DeviceType.CUDA ? ScalarType.BFloat16 : null;

    /// <summary>A device from its name: "cpu", "cuda" or "cuda:1". With a GPU, float32 products are from then on made in TF32, as in the official code.</summary>
    /// <exception cref="ArgumentException">It is not there.</exception>
    public static Device Open(string name)
    {
        var device = new Device(name);
        if (device.type == DeviceType.CUDA && Math.Max(0, device.index) >= cuda.device_count())
            throw new ArgumentException($"{name} was asked for, but this libtorch finds {cuda.device_count()} CUDA devices; use cpu, or set PatchKit up with a CUDA libtorch (environment/setup.sh --torch DIR).");
        if (device.type == DeviceType.CUDA) Engine.AllowTf32 = true;
        return device;
    }
}
