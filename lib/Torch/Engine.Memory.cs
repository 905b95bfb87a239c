using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Torch;

/// <content>Memory: how much tensors hold, at most and now, and what happens when there is none left.</content>
public static partial class Engine
{
    // c10's sentence of a CPU, the guard's likewise; c10's of a GPU, cuBLAS's and cuDNN's.
    private static readonly string[] s_outOfMemory =
    [
        "can't allocate memory",
        "CUDA out of memory",
        "CUDA error: out of memory",
        "CUBLAS_STATUS_ALLOC_FAILED",
        "CUDNN_STATUS_ALLOC_FAILED",
    ];

    private static readonly ConcurrentDictionary<int, long> s_usedBefore = new();

    private static long s_limit;

    /// <summary>
    /// Whether <see cref="Memory"/> counts what CPU tensors hold to the byte, and a limit can be set to it: on Linux.
    /// Elsewhere the whole process is counted, by the system.
    /// </summary>
    public static bool CountsTensors => Guard.Exists;

    /// <summary>Memory of CPU tensors now.</summary>
    public static MemoryUse Memory()
    {
        if (CountsTensors)
            return new MemoryUse(Guard.pkg_memory_live(), Guard.pkg_memory_peak(), Guard.pkg_memory_blocks());
        var (now, peak) = ResidentMemory.Read();
        return new MemoryUse(now, peak, 0);
    }

    /// <summary>Starts <see cref="MemoryUse.PeakBytes"/> afresh.</summary>
    public static void ResetPeakMemory()
    {
        if (CountsTensors)
            Guard.pkg_memory_reset_peak();
        else
            ResidentMemory.ResetPeak();
    }

    /// <summary>
    /// Memory of a device now. Of a GPU as the driver tells it, since TorchSharp does not reach what libtorch counts
    /// there: what libtorch has taken for tensors since this was first asked, of which it gives nothing back, so that
    /// it is the most they held.
    /// </summary>
    /// <param name="device">the device.</param>
    public static DeviceMemory MemoryOf(Device device)
    {
        if (device.type == DeviceType.CUDA)
            return OfGpu(Math.Max(0, device.index));
        var here = Memory();
        long total = s_limit > 0 ? s_limit : GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        return new DeviceMemory(total, Math.Max(0, total - here.LiveBytes), here.LiveBytes, here.PeakBytes);
    }

    private static DeviceMemory OfGpu(int index)
    {
        if (CudaDriver.Memory(index) is not { } told)
            return default;
        long used = told.Total - told.Free,
            before = s_usedBefore.GetOrAdd(index, used),
            taken = Math.Max(0, used - before);
        return new DeviceMemory(told.Total, told.Free, taken, taken);
    }

    /// <summary>Starts <see cref="DeviceMemory.PeakBytes"/> afresh; not a GPU's.</summary>
    /// <param name="device">the device.</param>
    public static void ResetPeakMemory(Device device)
    {
        if (device.type != DeviceType.CUDA)
            ResetPeakMemory();
    }

    /// <summary>
    /// Refuses CPU tensors beyond a number of bytes, as a GPU does beyond its memory (<see cref="IsOutOfMemory"/>).
    /// Linux itself would end the process.
    /// </summary>
    /// <param name="bytes">the limit; 0 for none.</param>
    /// <exception cref="ArgumentException">The limit is negative.</exception>
    /// <exception cref="NotSupportedException">Nobody counts tensors here (<see cref="CountsTensors"/>).</exception>
    public static void LimitMemory(long bytes)
    {
        if (bytes < 0)
            throw new ArgumentException(
                $"a memory limit of {bytes} bytes leaves no room for tensors; give one above 0, or 0 for none."
            );
        if (bytes > 0 && !CountsTensors)
            throw new NotSupportedException(
                $"a memory limit of {bytes} bytes cannot be kept without the guard library "
                    + "(environment/torchsharp), which is for Linux; leave it out, or give a container's limit."
            );
        if (CountsTensors)
            Guard.pkg_memory_limit(bytes);
        s_limit = bytes;
    }

    /// <summary>Whether an exception says that a device has no memory left for a tensor.</summary>
    public static bool IsOutOfMemory(Exception exception) =>
        exception is OutOfMemoryException
        || exception is ExternalException
            && s_outOfMemory.Any(words => exception.Message.Contains(words, StringComparison.Ordinal));

    /// <summary>
    /// Frees tensors that only the garbage collector knows of. What libtorch keeps of a GPU's memory for the next
    /// tensor it uses, or gives back, by itself.
    /// </summary>
    public static void ReleaseMemory()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }

    /// <summary>Tensors that C# holds: made and neither disposed nor finalized.</summary>
    public static long LiveTensors => Tensor.TotalCount;
}

/// <summary>Memory of a device, as far as it is known: 0 where a number is not.</summary>
/// <param name="TotalBytes">what it has; on the CPU the limit where one is set, else the machine's, or the
/// container's.</param>
/// <param name="FreeBytes">what tensors of this process may still take; on a GPU besides what libtorch keeps for
/// them.</param>
/// <param name="LiveBytes">what tensors of this process hold now.</param>
/// <param name="PeakBytes">the most they held since
/// <see cref="Engine.ResetPeakMemory(TorchSharp.torch.Device)"/>.</param>
public readonly record struct DeviceMemory(long TotalBytes, long FreeBytes, long LiveBytes, long PeakBytes);

/// <summary>Memory of CPU tensors in this process.</summary>
/// <param name="LiveBytes">bytes that libtorch's tensors hold now.</param>
/// <param name="PeakBytes">the most they held since <see cref="Engine.ResetPeakMemory()"/>.</param>
/// <param name="Blocks">how many blocks of memory they hold.</param>
public readonly record struct MemoryUse(long LiveBytes, long PeakBytes, long Blocks);
