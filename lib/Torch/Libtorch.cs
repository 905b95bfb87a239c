using System.Runtime.InteropServices;

namespace PatchKit.Torch;

/// <summary>
/// What libtorch 2.10 exports and TorchSharp does not call. Its stable C functions are on every platform; of C++
/// functions those that take and give numbers alone, by the names that GCC and Clang give them, which libtorch built by
/// Microsoft's compiler does not have.
/// </summary>
internal static unsafe partial class Libtorch
{
    private const string Library = NativeLibraries.Torch;

    /// <summary>Whether the C++ functions can be called.</summary>
    internal static bool HasCpp { get; } = !OperatingSystem.IsWindows();

    /// <summary>The version that the dispatcher's callers say they were built for: this libtorch's own.</summary>
    internal static readonly ulong AbiVersion = aoti_torch_abi_version();

    // The dispatcher (torch/csrc/stable/c/shim.h); failures are 1, with the text on C++'s standard error.
    [LibraryImport(Library)]
    internal static partial ulong aoti_torch_abi_version();

    [LibraryImport(Library)]
    internal static partial int torch_call_dispatcher(byte* name, byte* overload, ulong* stack, ulong version);

    [LibraryImport(Library), SuppressGCTransition]
    internal static partial int aoti_torch_new_tensor_handle(nint tensor, out nint copy);

    [LibraryImport(Library), SuppressGCTransition]
    internal static partial int torch_new_list_reserve_size(nuint size, out nint list);

    [LibraryImport(Library), SuppressGCTransition]
    internal static partial int torch_list_push_back(nint list, ulong value);

    // at::autocast; devices and element types are numbered as in TorchSharp.
    [LibraryImport(Library, EntryPoint = "_ZN2at8autocast19is_autocast_enabledEN3c1010DeviceTypeE")]
    [return: MarshalAs(UnmanagedType.U1)]
    internal static partial bool is_autocast_enabled(sbyte device);

    [LibraryImport(Library, EntryPoint = "_ZN2at8autocast20set_autocast_enabledEN3c1010DeviceTypeEb")]
    internal static partial void set_autocast_enabled(sbyte device, [MarshalAs(UnmanagedType.U1)] bool enabled);

    [LibraryImport(Library, EntryPoint = "_ZN2at8autocast18get_autocast_dtypeEN3c1010DeviceTypeE")]
    internal static partial sbyte get_autocast_dtype(sbyte device);

    [LibraryImport(Library, EntryPoint = "_ZN2at8autocast18set_autocast_dtypeEN3c1010DeviceTypeENS1_10ScalarTypeE")]
    internal static partial void set_autocast_dtype(sbyte device, sbyte dtype);

    [LibraryImport(Library, EntryPoint = "_ZN2at8autocast17increment_nestingEv")]
    internal static partial int increment_autocast_nesting();

    [LibraryImport(Library, EntryPoint = "_ZN2at8autocast17decrement_nestingEv")]
    internal static partial int decrement_autocast_nesting();

    [LibraryImport(Library, EntryPoint = "_ZN2at8autocast11clear_cacheEv")]
    internal static partial void clear_autocast_cache();

    [LibraryImport(Library, EntryPoint = "_ZN2at8autocast25is_autocast_cache_enabledEv")]
    [return: MarshalAs(UnmanagedType.U1)]
    internal static partial bool is_autocast_cache_enabled();

    [LibraryImport(Library, EntryPoint = "_ZN2at8autocast26set_autocast_cache_enabledEb")]
    internal static partial void set_autocast_cache_enabled([MarshalAs(UnmanagedType.U1)] bool enabled);

    // at::Context, of which there is one.
    [LibraryImport(Library, EntryPoint = "_ZN2at13globalContextEv")]
    internal static partial nint global_context();

    [LibraryImport(Library, EntryPoint = "_ZNK2at7Context23deterministicAlgorithmsEv")]
    [return: MarshalAs(UnmanagedType.U1)]
    internal static partial bool deterministic_algorithms(nint context);

    [LibraryImport(Library, EntryPoint = "_ZN2at7Context26setDeterministicAlgorithmsEbb")]
    internal static partial void set_deterministic_algorithms(
        nint context,
        [MarshalAs(UnmanagedType.U1)] bool enabled,
        [MarshalAs(UnmanagedType.U1)] bool warnOnly
    );

    [LibraryImport(Library, EntryPoint = "_ZN2at7Context21setDeterministicCuDNNEb")]
    internal static partial void set_deterministic_cudnn(nint context, [MarshalAs(UnmanagedType.U1)] bool enabled);

    [LibraryImport(Library, EntryPoint = "_ZN2at7Context17setBenchmarkCuDNNEb")]
    internal static partial void set_benchmark_cudnn(nint context, [MarshalAs(UnmanagedType.U1)] bool enabled);

    /// <summary>
    /// at::show_config, which gives a std::string: of GCC's 32 bytes the first 8 are a pointer to the text, and the
    /// next 8 its length.
    /// </summary>
    [LibraryImport(Library, EntryPoint = "_ZN2at11show_configB5cxx11Ev")]
    internal static partial void show_config(nint* text);
}
