using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace PatchKit.Torch;

/// <summary>Asks NVIDIA's driver which GPUs the machine has, also where libtorch was built without CUDA.</summary>
internal static unsafe class CudaDriver
{
    /// <summary>A GPU, and all of its memory.</summary>
    internal readonly record struct Gpu(string Name, long Bytes)
    {
        /// <summary>"NVIDIA H200, 139.8 GiB".</summary>
        public override string ToString() =>
            string.Create(CultureInfo.InvariantCulture, $"{Name}, {Bytes / (double)(1L << 30):F1} GiB");
    }

    /// <summary>
    /// Makes a GPU the calling thread's, for libraries that ask CUDA's runtime which one that is: its primary context,
    /// which the runtime shares.
    /// </summary>
    /// <exception cref="InvalidOperationException">The driver refuses.</exception>
    internal static void MakeCurrent(int index)
    {
        int result = PrimaryContext(index, out nint driver, out nint context);
        if (result == 0)
            result = ((delegate* unmanaged<nint, int>)NativeLibrary.GetExport(driver, "cuCtxSetCurrent"))(context);
        if (result != 0)
            throw new InvalidOperationException(
                $"NVIDIA's driver does not give GPU {index} (error {result}); `patchkit doctor` says which there are."
            );
    }

    /// <summary>
    /// A GPU's memory that the driver has not given away yet, and all of it; null where it does not tell.
    /// </summary>
    internal static (long Free, long Total)? Memory(int index)
    {
        if (PrimaryContext(index, out nint driver, out nint context) != 0)
            return null;
        if (((delegate* unmanaged<nint, int>)NativeLibrary.GetExport(driver, "cuCtxPushCurrent_v2"))(context) != 0)
            return null;
        nuint free = 0,
            total = 0;
        int result = ((delegate* unmanaged<nuint*, nuint*, int>)NativeLibrary.GetExport(driver, "cuMemGetInfo_v2"))(
            &free,
            &total
        );
        _ = ((delegate* unmanaged<nint*, int>)NativeLibrary.GetExport(driver, "cuCtxPopCurrent_v2"))(&context);
        return result == 0 ? ((long)free, (long)total) : null;
    }

    // The context that CUDA's runtime, and so libtorch, uses; retained once for each call, which is not counted back:
    // it lives as long as the process.
    private static int PrimaryContext(int index, out nint driver, out nint context)
    {
        context = 0;
        if (!TryLoad(out driver))
            return -1;
        int device = 0,
            result = ((delegate* unmanaged<uint, int>)NativeLibrary.GetExport(driver, "cuInit"))(0);
        if (result == 0)
            result = ((delegate* unmanaged<int*, int, int>)NativeLibrary.GetExport(driver, "cuDeviceGet"))(
                &device,
                index
            );
        fixed (nint* into = &context)
            if (result == 0)
                result = (
                    (delegate* unmanaged<nint*, int, int>)NativeLibrary.GetExport(driver, "cuDevicePrimaryCtxRetain")
                )(into, device);
        return result;
    }

    /// <summary>The GPUs that this process may use, in CUDA's order; empty without a driver.</summary>
    internal static IReadOnlyList<Gpu> Gpus()
    {
        if (!TryLoad(out nint driver))
            return [];
        var init = (delegate* unmanaged<uint, int>)NativeLibrary.GetExport(driver, "cuInit");
        var count = (delegate* unmanaged<int*, int>)NativeLibrary.GetExport(driver, "cuDeviceGetCount");
        var name = (delegate* unmanaged<byte*, int, int, int>)NativeLibrary.GetExport(driver, "cuDeviceGetName");
        var memory = (delegate* unmanaged<nuint*, int, int>)NativeLibrary.GetExport(driver, "cuDeviceTotalMem_v2");
        int devices;
        if (init(0) != 0 || count(&devices) != 0)
            return [];
        var gpus = new List<Gpu>();
        byte* text = stackalloc byte[256];
        for (int i = 0; i < devices; i++)
        {
            nuint bytes = 0;
            if (name(text, 256, i) == 0 && memory(&bytes, i) == 0)
                gpus.Add(
                    new Gpu(
                        Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text)),
                        (long)bytes
                    )
                );
        }
        return gpus;
    }

    private static bool TryLoad(out nint driver) =>
        NativeLibrary.TryLoad(OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1", out driver);
}
