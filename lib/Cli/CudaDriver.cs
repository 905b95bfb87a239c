using System.Runtime.InteropServices;
using System.Text;

namespace PatchKit.Cli;

/// <summary>Asks NVIDIA's driver which GPUs the machine has, also where libtorch was built without CUDA.</summary>
internal static unsafe class CudaDriver
{
    /// <summary>"NVIDIA H200, 139.8 GiB" for each device; empty without a driver.</summary>
    internal static IReadOnlyList<string> DeviceNames()
    {
        if (!NativeLibrary.TryLoad("libcuda.so.1", out nint driver)) return [];
        var init = (delegate* unmanaged<uint, int>)NativeLibrary.GetExport(driver, "cuInit");
        var count = (delegate* unmanaged<int*, int>)NativeLibrary.GetExport(driver, "cuDeviceGetCount");
        var name = (delegate* unmanaged<byte*, int, int, int>)NativeLibrary.GetExport(driver, "cuDeviceGetName");
        var memory = (delegate* unmanaged<nuint*, int, int>)NativeLibrary.GetExport(driver, "cuDeviceTotalMem_v2");
        int devices;
        if (init(0) != 0 || count(&devices) != 0) return [];
        var names = new List<string>();
        byte* text = stackalloc byte[256];
        for (int i = 0; i < devices; i++)
        {
            nuint bytes = 0;
            if (name(text, 256, i) == 0 && memory(&bytes, i) == 0)
                names.Add($"{Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text))}, {bytes / (double)(1L << 30):F1} GiB");
        }
        return names;
    }
}
