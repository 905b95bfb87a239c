using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace PatchKit.Torch;

/// <summary>
/// libtorch's current CUDA stream, by its stable C entry, in whichever of its libraries this build has that.
/// </summary>
internal static unsafe class CudaStream
{
    private static readonly Lazy<nint> Entry = new(Find);

    /// <summary>The calling thread's current stream on a GPU.</summary>
    /// <exception cref="InvalidOperationException">libtorch has none.</exception>
    internal static nint Current(int device)
    {
        nint stream;
        if (Entry.Value == 0 || ((delegate* unmanaged<int, nint*, int>)Entry.Value)(device, &stream) != 0)
            throw new InvalidOperationException(
                $"libtorch does not say which stream of GPU {device} is current; `patchkit doctor` says "
                    + "which GPUs it sees."
            );
        return stream;
    }

    private static nint Find()
    {
        foreach (string library in new[] { NativeLibraries.TorchCuda, NativeLibraries.Torch })
        {
            try
            {
                if (
                    NativeLibrary.TryGetExport(
                        NativeLibraries.Loaded(library),
                        "aoti_torch_get_current_cuda_stream",
                        out nint entry
                    )
                )
                    return entry;
            }
            catch (DllNotFoundException)
            {
                // libtorch for CPUs has no torch_cuda.
            }
        }
        return 0;
    }
}
