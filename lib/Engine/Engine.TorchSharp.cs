using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit;

/// <content>The package TorchSharp: its libtorch, without autocast, fused operators or memory counts.</content>
public static partial class Engine
{
    /// <summary>The backend's name.</summary>
    public static string Backend => "TorchSharp";

    /// <summary>The version of libtorch, such as "2.10.0".</summary>
    public static string LibtorchVersion => __version__;

    /// <summary>The package that brought libtorch.</summary>
    public static string LibtorchPath => typeof(Tensor).Assembly.Location;

    /// <summary>TorchSharp does not say how its libtorch was built.</summary>
    public static string BuildConfiguration => "not known through TorchSharp";

    /// <summary>TorchSharp has no switch for deterministic operators.</summary>
    /// <exception cref="NotSupportedException">Set to true.</exception>
    public static bool Deterministic
    {
        get => false;
        set
        {
            if (value) throw Lacks("deterministic operators");
        }
    }

    /// <summary>Whether float32 matrix products on a GPU may round their inputs to TF32.</summary>
    public static bool AllowTf32
    {
        set => backends.cuda.matmul.allow_tf32 = value;
    }

    /// <summary>TorchSharp counts no bytes: all zero.</summary>
    public static MemoryUse Memory() => default;

    /// <summary>TorchSharp counts no bytes.</summary>
    public static void ResetPeakMemory()
    {
    }

    /// <summary>TorchSharp counts no bytes: of a GPU only the total is known.</summary>
    /// <param name="device">the device.</param>
    public static DeviceMemory MemoryOf(Device device) => device.type == DeviceType.CUDA ? new DeviceMemory(TotalBytesOf(device), 0, 0, 0) : default;

    /// <summary>TorchSharp counts no bytes.</summary>
    /// <param name="device">the device.</param>
    public static void ResetPeakMemory(Device device)
    {
    }

    /// <summary>Whether an exception says that a device has no memory left for a tensor; TorchSharp has only the message for it.</summary>
    public static bool IsOutOfMemory(Exception exception) => exception is ExternalException && (exception.Message.Contains("out of memory", StringComparison.OrdinalIgnoreCase) || exception.Message.Contains("allocate memory", StringComparison.OrdinalIgnoreCase));

    /// <summary>Frees tensors that only the garbage collector knows of; TorchSharp cannot empty libtorch's cache.</summary>
    public static void ReleaseMemory()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }

    /// <summary>TorchSharp has no limit to the memory of CPU tensors.</summary>
    /// <exception cref="NotSupportedException">A limit is given.</exception>
    public static void LimitMemory(long bytes)
    {
        if (bytes != 0) throw Lacks("limit to the memory of CPU tensors");
    }

    /// <summary>Moves running averages towards values, a = d a + (1 - d) v, one after the other.</summary>
    internal static void Average(Tensor[] averages, Tensor[] values, double decay)
    {
        foreach (var (average, value) in averages.Zip(values)) average.mul_(decay).add_(value, 1 - decay);
    }

    /// <summary>Tensors that C# holds.</summary>
    public static long LiveTensors => Tensor.TotalCount;

    private static void RequestStop(bool stop) => Kernels.RequestStop(stop);

    private static NotSupportedException Lacks(string what) =>
        new($"The TorchSharp backend has no {what}; build PatchKit with the default TorchBackend=libtorch.");

    private sealed class AutocastScope : IDisposable
    {
        internal AutocastScope(Device device, ScalarType dtype) => throw Lacks($"autocast for {device} to {dtype}");

        public void Dispose()
        {
        }
    }
}
