using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace PatchKit.Torch;

/// <summary>
/// The library that stands before TorchSharp's natives on Linux (environment/torchsharp): what it counts and is told.
/// Elsewhere it is absent.
/// </summary>
internal static partial class Guard
{
    // no SuppressGCTransition below: such a call is looked up before it is reached
    private const string Library = NativeLibraries.TorchSharp;

    private const int Version = 3;

    /// <summary>Whether it is there.</summary>
    /// <exception cref="InvalidOperationException">It is there in another version.</exception>
    internal static bool Exists { get; } =
        NativeLibrary.TryGetExport(NativeLibraries.Loaded(Library), nameof(pkg_guard_version), out _) && Known();

    private static bool Known() =>
        pkg_guard_version() == Version
            ? true
            : throw new InvalidOperationException(
                $"libLibTorchSharp.so beside TorchSharp.dll is version {pkg_guard_version()} of the guard, "
                    + $"and PatchKit.dll was built for version {Version}; run environment/setup.sh, which builds both."
            );

    [LibraryImport(Library)]
    internal static partial int pkg_guard_version();

    [LibraryImport(Library)]
    internal static partial long pkg_memory_live();

    [LibraryImport(Library)]
    internal static partial long pkg_memory_peak();

    [LibraryImport(Library)]
    internal static partial long pkg_memory_blocks();

    [LibraryImport(Library)]
    internal static partial void pkg_memory_reset_peak();

    [LibraryImport(Library)]
    internal static partial void pkg_memory_limit(long bytes);

    [LibraryImport(Library)]
    internal static partial void pkg_memory_wait_above(long bytes);

    [LibraryImport(Library)]
    internal static partial int pkg_mkl_fast();

    [LibraryImport(Library)]
    internal static partial int pkg_onednn();
}
