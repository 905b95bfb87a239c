using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit;

/// <content>lib/Torch over the machine's libtorch.</content>
public static unsafe partial class Engine
{
    /// <summary>The backend's name.</summary>
    public static string Backend => "libtorch";

    /// <summary>The version of libtorch, such as "1.13.1".</summary>
    public static string LibtorchVersion => __version__;

    /// <summary>The libtorch_cpu.so that this process loaded.</summary>
    public static string LibtorchPath => Native.Text(Native.pk_torch_path());

    /// <summary>How libtorch was built: BLAS, OpenMP, CPU capability.</summary>
    public static string BuildConfiguration => Native.Text(Native.pk_build_config());

    /// <summary>Whether operators without a deterministic form are refused.</summary>
    public static bool Deterministic
    {
        get => Native.pk_deterministic() != 0;
        set => Native.Check(Native.pk_set_deterministic(value ? 1 : 0), "Deterministic");
    }

    /// <summary>Whether float32 matrix products on a GPU may round their inputs to TF32.</summary>
    public static bool AllowTf32
    {
        set => Native.Check(Native.pk_set_tf32(value ? 1 : 0), "AllowTf32");
    }

    /// <summary>Memory of CPU tensors now.</summary>
    public static MemoryUse Memory()
    {
        long* counts = stackalloc long[3];
        Native.pk_cpu_memory(counts);
        return new MemoryUse(counts[0], counts[1], counts[2]);
    }

    /// <summary>Starts <see cref="MemoryUse.PeakBytes"/> afresh.</summary>
    public static void ResetPeakMemory() => Native.pk_reset_peak_cpu_memory();

    /// <summary>Memory of a device now. Of a GPU only the total is known where libpatchkit was built without nvcc (<c>patchkit doctor</c> says so).</summary>
    /// <param name="device">the device.</param>
    public static DeviceMemory MemoryOf(Device device)
    {
        if (device.type != DeviceType.CUDA)
        {
            var here = Memory();
            long total = s_limit > 0 ? s_limit : GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
            return new DeviceMemory(total, Math.Max(0, total - here.LiveBytes), here.LiveBytes, here.PeakBytes);
        }
        long* counts = stackalloc long[4];
        return Native.Check(Native.pk_cuda_memory(Math.Max(0, device.index), counts), "MemoryOf") != 0 ? new DeviceMemory(counts[0], counts[1], counts[2], counts[3]) : new DeviceMemory(TotalBytesOf(device), 0, 0, 0);
    }

    /// <summary>Starts <see cref="DeviceMemory.PeakBytes"/> afresh.</summary>
    /// <param name="device">the device.</param>
    public static void ResetPeakMemory(Device device)
    {
        if (device.type == DeviceType.CUDA) Native.Check(Native.pk_reset_peak_cuda_memory(Math.Max(0, device.index)), "ResetPeakMemory");
        else ResetPeakMemory();
    }

    /// <summary>Whether an exception says that a device has no memory left for a tensor.</summary>
    public static bool IsOutOfMemory(Exception exception) => exception is TorchOutOfMemoryException;

    /// <summary>Frees what no tensor needs: tensors that only the garbage collector knows of, and what libtorch keeps of a GPU's memory for the next one.</summary>
    public static void ReleaseMemory()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Native.Check(Native.pk_empty_cuda_cache(), "ReleaseMemory");
    }

    private static long s_limit;

    /// <summary>Refuses CPU tensors beyond a number of bytes with a <see cref="TorchOutOfMemoryException"/>, as a GPU does beyond its memory. Linux itself would end the process.</summary>
    /// <param name="bytes">the limit; 0 for none.</param>
    /// <exception cref="ArgumentException">The limit is negative.</exception>
    public static void LimitMemory(long bytes)
    {
        if (bytes < 0) throw new ArgumentException($"a memory limit of {bytes} bytes leaves no room for tensors; give one above 0, or 0 for none.");
        Native.pk_limit_cpu_memory(s_limit = bytes);
    }

    private static readonly Op MultiplyAll = "aten::_foreach_mul_.Scalar", AddAll = "aten::_foreach_add_.List";

    /// <summary>Moves running averages towards values, a = d a + (1 - d) v, all of one call in a few kernels on a GPU.</summary>
    /// <param name="averages">changed in place.</param>
    /// <param name="values">one for each, of its shape, type and device.</param>
    /// <param name="decay">d.</param>
    internal static void Average(Tensor[] averages, Tensor[] values, double decay)
    {
        MultiplyAll.Invoke(averages, decay);
        AddAll.Invoke(averages, values, 1 - decay);
    }

    /// <summary>Tensors that C# holds: made and neither disposed nor finalized.</summary>
    public static long LiveTensors => Tensor.TotalCount;

    private static readonly Op NoOpOperator = "patchkit::noop";

    /// <summary>A call through the dispatcher that computes nothing.</summary>
    internal static Tensor NoOp(Tensor tensor) => NoOpOperator.Call(tensor);

    /// <summary>Nanoseconds per call of a case in typed C++ (lib/Native/bridge/bench.cpp): 0 no-op, 1 add, 2 add with gradient.</summary>
    internal static double TypedCallNanoseconds(int which, long calls) => Native.pk_bench_typed(which, calls);

    private static void RequestStop(bool stop) => Native.pk_request_stop(stop ? 1 : 0);

    /// <summary>What autocast does on a device: the element type that it casts to, or -1 where it is off.</summary>
    private readonly record struct AutocastState(DeviceType Device, int Dtype)
    {
        internal static AutocastState Of(DeviceType device) => new(device, Native.pk_autocast((int)device));

        /// <summary>1 when it was set, 0 where libtorch has no autocast for the device, -1 after an error.</summary>
        internal int Set() => Native.pk_set_autocast((int)Device, Dtype);
    }

    private sealed class AutocastScope : IDisposable
    {
        private readonly AutocastState _before;
        private bool _over;

        internal AutocastScope(Device device, ScalarType dtype)
        {
            _before = AutocastState.Of(device.type);
            if (Native.Check(new AutocastState(device.type, (int)dtype).Set(), "Autocast") == 0)
                throw new NotSupportedException($"libtorch {LibtorchVersion} has no autocast for {device}; leave it out, or use a newer libtorch (environment/setup.sh --torch DIR).");
            Native.pk_increment_autocast_nesting();
        }

        public void Dispose()
        {
            if (_over) return;
            _over = true;
            _before.Set();
            // The cache holds the weights' low-precision copies; they are stale once the optimizer has stepped.
            if (Native.pk_decrement_autocast_nesting() == 0) Native.pk_clear_autocast_cache();
        }
    }
}
