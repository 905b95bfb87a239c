using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Torch.Calls;

/// <summary>
/// libpatchkit_cuda.so (lib/Native/cuda): the fused operators on NVIDIA's GPUs, on libtorch's current stream, with
/// workspaces from its allocator. Tests take its emulation, the same kernels run on the CPU.
/// </summary>
internal sealed unsafe class CudaLibrary
{
    // Mirrors patchkit::cuda::version in lib/Native/cuda/launch.cuh.
    internal const int Version = 1;

    private static readonly Lazy<CudaLibrary?> Real = new(LoadForDevices);
    private static readonly Lazy<CudaLibrary> Emulation = new(LoadEmulation);

    [ThreadStatic]
    private static CudaLibrary? t_emulated;
    private static string s_missing = "";

    private readonly nint _handle;
    private readonly bool _emulates;
    private readonly ConcurrentDictionary<string, (nint Run, nint Workspace)> _entries = new();

    private CudaLibrary(string path, bool emulates)
    {
        _handle = NativeLibraries.LoadFile(path);
        int version = NativeLibrary.TryGetExport(_handle, "pk_cuda_version", out nint say)
            ? ((delegate* unmanaged<int>)say)()
            : 0;
        if (version != Version)
            throw new DllNotFoundException(
                $"{path} is of version {version}, but this program needs version {Version}; run "
                    + "environment/setup.sh, which builds it anew."
            );
        _emulates = emulates;
    }

    /// <summary>The emulation, while this thread takes it for tensors on the CPU.</summary>
    internal static CudaLibrary? Emulated => t_emulated;

    /// <summary>The library for a kind of device; null where there is none.</summary>
    internal static CudaLibrary? For(DeviceType device) =>
        device == DeviceType.CUDA ? Real.Value
        : device == DeviceType.CPU ? t_emulated
        : null;

    /// <summary>Why <see cref="For"/> has none for GPUs, as a sentence.</summary>
    internal static string WhyMissing => Real.Value is null ? s_missing : "";

    /// <summary>Until disposed, this thread's operators on the CPU run the kernels for GPUs, emulated.</summary>
    internal static IDisposable Emulate() => new Emulating();

    /// <summary>Whether the last thread of each emulated block goes first; results must not show it.</summary>
    internal static void EmulateBackwards(bool backwards) =>
        ((delegate* unmanaged<int, void>)NativeLibrary.GetExport(Emulation.Value._handle, "pk_cuda_emulate_backwards"))(
            backwards ? 1 : 0
        );

    /// <summary>
    /// Runs an entry on the tensor's device and libtorch's current stream, which the caller's tensors must outlive no
    /// longer than libtorch's allocator asks.
    /// </summary>
    /// <param name="entry">its name after "pk_cuda_"; entry_workspace says how many bytes it works in, none where there
    /// is no such function.</param>
    /// <param name="call">what it takes.</param>
    /// <param name="x">the operand that says where it runs and that a failure names.</param>
    /// <exception cref="InvalidOperationException">A launch failed; the message has the kernel, its sizes and CUDA's
    /// reason.</exception>
    internal void Run<TCall>(string entry, in TCall call, Tensor x)
        where TCall : unmanaged
    {
        var (run, size) = Entry(entry);
        fixed (TCall* at = &call)
        {
            long bytes = size == 0 ? 0 : ((delegate* unmanaged<TCall*, long>)size)(at);
            using var workspace = Workspace(bytes, x);
            var place = PlaceOf(x, workspace);
            int code = ((delegate* unmanaged<TCall*, Place*, int>)run)(at, &place);
            GC.KeepAlive(workspace);
            GC.KeepAlive(x);
            Finish(code, entry, x);
        }
    }

    /// <summary>What an entry that only counts returns.</summary>
    internal long Ask<TCall>(string entry, in TCall call)
        where TCall : unmanaged
    {
        fixed (TCall* at = &call)
            return ((delegate* unmanaged<TCall*, long>)Entry(entry).Run)(at);
    }

    /// <summary>Non-maximum suppression, whose results stay on the device.</summary>
    internal void Nms(
        in Operand boxes,
        in Operand order,
        in Operand classes,
        double iou,
        in Operand kept,
        in Operand count
    )
    {
        var (run, size) = Entry("nms");
        using var workspace = Workspace(((delegate* unmanaged<long, long>)size)(boxes.Size(0)), boxes.Tensor!);
        var place = PlaceOf(boxes.Tensor!, workspace);
        int code = ((delegate* unmanaged<long, nint, nint, nint, double, nint, nint, Place*, int>)run)(
            boxes.Size(0),
            boxes.Data,
            order.Data,
            classes.Data,
            iou,
            kept.Data,
            count.Data,
            &place
        );
        foreach (
            var tensor in new[] { boxes.Tensor, order.Tensor, classes.Tensor, kept.Tensor, count.Tensor, workspace }
        )
            GC.KeepAlive(tensor);
        Finish(code, "nms", boxes.Tensor!);
    }

    private (nint Run, nint Workspace) Entry(string name) =>
        _entries.GetOrAdd(
            name,
            n =>
                (
                    NativeLibrary.GetExport(_handle, $"pk_cuda_{n}"),
                    NativeLibrary.TryGetExport(_handle, $"pk_cuda_{n}_workspace", out nint size) ? size : 0
                )
        );

    private static Tensor? Workspace(long bytes, Tensor x) =>
        bytes == 0 ? null : empty([bytes], ScalarType.Byte, x.device);

    private Place PlaceOf(Tensor x, Tensor? workspace)
    {
        var place = new Place { Workspace = new Operand(workspace).Data, Device = Math.Max(0, x.device_index) };
        if (!_emulates)
            place.Stream = CudaStream.Current(place.Device);
        return place;
    }

    private void Finish(int code, string entry, Tensor x)
    {
        if (code == 0)
            return;
        if (code == -1)
            throw new InvalidOperationException(
                $"patchkit::{entry} has no kernel for {x.dtype} on {x.device}; convert to Float32, BFloat16 or Float16."
            );
        byte* text = stackalloc byte[512];
        ((delegate* unmanaged<byte*, long, void>)NativeLibrary.GetExport(_handle, "pk_cuda_failure"))(text, 512);
        string sentence = Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text));
        throw new InvalidOperationException(
            $"patchkit::{entry} on {x.device} with x {new Operand(x)} of {x.dtype}: {sentence}. Sizes that "
                + "fit one GPU may not fit another; please report it with `patchkit doctor`."
        );
    }

    [SuppressMessage(
        "Design",
        "CA1031",
        Justification = "What is wrong with the library is said by doctor; operators take their other forms."
    )]
    private static CudaLibrary? LoadForDevices()
    {
        string? path = NativeLibraries.Beside(NativeLibraries.Cuda);
        if (path is null)
            s_missing =
                "libpatchkit_cuda.so was not built, for want of nvcc; put CUDA's nvcc on the path and run "
                + "environment/setup.sh again. Until then operators are libtorch's own, slower.";
        else if (!cuda.is_available())
            s_missing = "libtorch sees no GPU.";
        else
            try
            {
                return new CudaLibrary(path, emulates: false);
            }
            catch (DllNotFoundException e)
            {
                s_missing = e.Message;
            }
        return null;
    }

    private static CudaLibrary LoadEmulation() =>
        new(
            NativeLibraries.Beside(NativeLibraries.CudaEmulated)
                ?? throw new DllNotFoundException(
                    "libpatchkit_cuda_emulated.so is not beside libpatchkit.so; run environment/setup.sh, "
                        + "which builds it."
                ),
            emulates: true
        );

    /// <summary>Mirrors patchkit::cuda::Place in lib/Native/cuda/launch.cuh.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Place
    {
        internal nint Workspace,
            Stream;
        internal int Device,
            Unused;
    }

    private sealed class Emulating : IDisposable
    {
        private readonly CudaLibrary? _before = t_emulated;

        internal Emulating() => t_emulated = Emulation.Value;

        public void Dispose() => t_emulated = _before;
    }
}
