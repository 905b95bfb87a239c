using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace PatchKit;

/// <summary>The library that stands before TorchSharp's natives on Linux (environment/torchsharp): what it counts and is told. Elsewhere it is absent.</summary>
internal static partial class Guard
{
    private const string Library = NativeLibraries.TorchSharp; // no SuppressGCTransition below: such a call is looked up before it is reached

    /// <summary>Whether it is there.</summary>
    internal static bool Exists { get; } = NativeLibrary.TryGetExport(NativeLibraries.Loaded(Library), nameof(pkg_memory_live), out _);

    [LibraryImport(Library)] internal static partial long pkg_memory_live();
    [LibraryImport(Library)] internal static partial long pkg_memory_peak();
    [LibraryImport(Library)] internal static partial long pkg_memory_blocks();
    [LibraryImport(Library)] internal static partial void pkg_memory_reset_peak();
    [LibraryImport(Library)] internal static partial void pkg_memory_limit(long bytes);
    [LibraryImport(Library)] internal static partial int pkg_mkl_fast();
}
