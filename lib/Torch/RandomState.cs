using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Torch;

/// <summary>
/// The default generators that a block on a device draws from: the CPU's and, on a GPU, the GPU's, which TorchSharp's
/// Generator does not reach (<c>new Generator(seed, CUDA)</c> is one of the CPU).
/// </summary>
internal static partial class RandomState
{
    /// <summary>The generators' states, a tensor of bytes each.</summary>
    internal static Tensor[] Of(Device device)
    {
        using var cpu = Generator.Default;
        return device.type == DeviceType.CUDA
            ? [cpu.get_state(), Tensor.UnsafeCreateTensor(THSGenerator_get_rng_state(Cuda(device)))]
            : [cpu.get_state()];
    }

    /// <summary>Brings back what <see cref="Of"/> gave for the device.</summary>
    internal static void Set(Device device, ReadOnlySpan<Tensor> states)
    {
        using var cpu = Generator.Default;
        cpu.set_state(states[0]);
        if (device.type != DeviceType.CUDA)
            return;
        THSGenerator_set_rng_state(Cuda(device), states[1].Handle);
        GC.KeepAlive(states[1]);
    }

    /// <summary>Seeds them.</summary>
    internal static void Seed(Device device, long seed)
    {
        manual_seed(seed).Dispose();
        if (device.type == DeviceType.CUDA)
            THSGenerator_gen_manual_seed(Cuda(device), seed);
    }

    // const at::Generator&: the pointer that TorchSharp's natives take. Device -1 is the current one.
    private static nint Cuda(Device device) =>
        Libtorch.HasCpp
            ? default_cuda_generator((sbyte)device.index)
            : throw new NotSupportedException(
                $"libtorch of this platform keeps the random numbers of {device} from C#; seed with "
                    + "torch.cuda.manual_seed, or train on Linux."
            );

    [LibraryImport(NativeLibraries.TorchCuda, EntryPoint = "_ZN2at4cuda6detail23getDefaultCUDAGeneratorEa")]
    private static partial nint default_cuda_generator(sbyte index);

    [LibraryImport(NativeLibraries.TorchSharp)]
    private static partial nint THSGenerator_get_rng_state(nint generator);

    [LibraryImport(NativeLibraries.TorchSharp)]
    private static partial void THSGenerator_set_rng_state(nint generator, nint state);

    [LibraryImport(NativeLibraries.TorchSharp)]
    private static partial void THSGenerator_gen_manual_seed(nint generator, long seed);
}
