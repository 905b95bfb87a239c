using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Training;

/// <summary>The devices that commands and notebooks take.</summary>
public static class Devices
{
    /// <summary>A device from its name: "cpu", "cuda" or "cuda:1".</summary>
    /// <exception cref="ArgumentException">It is not there.</exception>
    public static Device Open(string name)
    {
        var device = new Device(name);
        if (device.type == DeviceType.CUDA && Math.Max(0, device.index) >= cuda.device_count())
            throw new ArgumentException($"{name} was asked for, but this libtorch finds {cuda.device_count()} CUDA devices; use cpu, or set PatchKit up with a CUDA libtorch (environment/setup.sh --torch DIR).");
        return device;
    }
}
