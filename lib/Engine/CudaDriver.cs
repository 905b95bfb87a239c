using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace PatchKit;

/// <summary>Asks NVIDIA's driver which GPUs the machine has, also where libtorch was built without CUDA.</summary>
internal static unsafe class CudaDriver
{
    /// <summary>A GPU, and all of its memory.</summary>
    internal readonly record struct Gpu(string Name, long Bytes)
    {
        /// <summary>"NVIDIA H200, 139.8 GiB".</summary>
        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Name}, {Bytes / (double)(1L << 30):F1} GiB");
    }

    /// <summary>The GPUs that this process may use, in CUDA's order; empty without a driver.</summary>
    internal static IReadOnlyList<Gpu> Gpus()
    {
        if (!NativeLibrary.TryLoad(OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1", out nint driver)) return [];
        var init = (delegate* unmanaged<uint, int>)NativeLibrary.GetExport(driver, "cuInit");
        var count = (delegate* unmanaged<int*, int>)NativeLibrary.GetExport(driver, "cuDeviceGetCount");
        var name = (delegate* unmanaged<byte*, int, int, int>)NativeLibrary.GetExport(driver, "cuDeviceGetName");
        var memory = (delegate* unmanaged<nuint*, int, int>)NativeLibrary.GetExport(driver, "cuDeviceTotalMem_v2");
        int devices;
        if (init(0) != 0 || count(&devices) != 0) return [];
        var gpus = new List<Gpu>();
        byte* text = stackalloc byte[256];
        for (int i = 0; i < devices; i++)
        {
            nuint bytes = 0;
            if (name(text, 256, i) == 0 && memory(&bytes, i) == 0)
                gpus.Add(new Gpu(Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text)), (long)bytes));
        }
        return gpus;
    }
}
