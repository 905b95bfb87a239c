using System.Runtime.InteropServices;

namespace PatchKit.Tests.TorchSharpMends;

/// <summary>The entries of environment/torchsharp/guard.</summary>
internal static partial class Guard
{
    private const string Library = "LibTorchSharp";

    [LibraryImport(Library, EntryPoint = "pkg_guard_version")]
    internal static partial int Version();

    [LibraryImport(Library, EntryPoint = "pkg_memory_live")]
    internal static partial long Live();

    [LibraryImport(Library, EntryPoint = "pkg_memory_peak")]
    internal static partial long Peak();

    [LibraryImport(Library, EntryPoint = "pkg_memory_blocks")]
    internal static partial long Blocks();

    [LibraryImport(Library, EntryPoint = "pkg_memory_reset_peak")]
    internal static partial void ResetPeak();

    [LibraryImport(Library, EntryPoint = "pkg_memory_limit")]
    internal static partial void Limit(long bytes);

    [LibraryImport(Library, EntryPoint = "pkg_mkl_fast")]
    internal static partial int MklFast();

    [LibraryImport(Library, EntryPoint = "pkg_set_last_error", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial void SetLastError(string sentence);
}
