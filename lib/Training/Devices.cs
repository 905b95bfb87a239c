using System.Text.RegularExpressions;
using PatchKit.Torch;
using PatchKit.Torch.Distributed;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Training;

/// <summary>The devices that commands and notebooks take.</summary>
public static partial class Devices
{
    /// <summary>
    /// What matrix products fall to in training, and in tests of classifiers and segmentation models: bfloat16 on a
    /// GPU, as in the official code, nothing on a CPU. Detectors are tested in float32: boxes would lose pixels.
    /// </summary>
    public static ScalarType? Lower(Device device) => device.type == DeviceType.CUDA ? ScalarType.BFloat16 : null;

    /// <summary>
    /// A device from its name: "cpu", "cuda" or "cuda:1". Of several processes each takes the GPU of its local rank for
    /// "cuda", or the only one that it sees. With a GPU, float32 products are from then on made in TF32, as in the
    /// official code.
    /// </summary>
    /// <param name="name">the name.</param>
    /// <param name="place">which of several processes this one is; null for one alone.</param>
    /// <exception cref="ArgumentException">It is not there.</exception>
    public static Device Open(string name, RankPlace? place = null)
    {
        if (!Name().IsMatch(name))
            throw new ArgumentException($"\"{name}\" is no device; use cpu, cuda or cuda:1.");
        var device = new Device(name);
        if (place is not null && device.type == DeviceType.CUDA)
        {
            if (name.Contains(':'))
                throw new ArgumentException(
                    $"{place.Ranks} ranks would all train on {name}; name the device cuda, and each takes "
                        + "the GPU of its local rank."
                );
            device = new Device($"cuda:{(cuda.device_count() == 1 ? 0 : place.LocalRank)}");
        }
        if (device.type == DeviceType.CUDA && Math.Max(0, device.index) >= cuda.device_count())
            throw new ArgumentException(
                $"{device} was asked for, but libtorch finds {cuda.device_count()} CUDA devices; use cpu, "
                    + "or set PatchKit up for GPUs (environment/setup.sh --device cuda)."
            );
        if (device.type == DeviceType.CUDA)
        {
            Engine.AllowTf32 = true;
            Engine.MemoryOf(device); // from here on it is counted
        }
        return device;
    }

    // What TorchSharp makes of another name are .NET's words.
    [GeneratedRegex("^(cpu|cuda(:[0-9]{1,3})?)$")]
    private static partial Regex Name();
}
