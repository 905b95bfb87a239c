using System.Runtime.InteropServices;

namespace PatchKit.Torch.Distributed;

/// <summary>The C functions of libpatchkit_gloo.so (lib/Native/gloo), and whether this build has them.</summary>
internal static unsafe partial class Gloo
{
    private const string Library = NativeLibraries.Gloo;
    private const int Version = 1;

    static Gloo() => Absence = FindAbsence();

    /// <summary>Why the library cannot be used, as a sentence; empty where it can.</summary>
    internal static string Absence { get; }

    /// <summary>A key-value store by its C functions; a negative result says that it failed.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Store
    {
        internal nint Context;
        internal delegate* unmanaged<nint, byte*, byte*, long, int> Set;
        internal delegate* unmanaged<nint, byte*, byte*, long, long> Get;
    }

    /// <summary>The numbers that can be reduced.</summary>
    internal enum Number
    {
        Float32,
        Float64,
        Float16,
        Int32,
        Int64,
    }

    /// <summary>Throws what a function failed with, on the thread that called it.</summary>
    /// <exception cref="IOException">It failed.</exception>
    internal static void Check(int status, string what)
    {
        if (status < 0)
            throw new IOException($"{what}: {Marshal.PtrToStringUTF8((nint)pkg_error())!.Trim()}");
    }

    private static string FindAbsence()
    {
        if (NativeLibraries.Find(out string reason) is not { } beside)
            return reason;
        string path = Path.Combine(Path.GetDirectoryName(beside)!, $"lib{Library}.so");
        if (!File.Exists(path))
            return $"{path} was not built, as libgloo was missing; install libgloo-dev and run environment/setup.sh.";
        try
        {
            int version = pkg_version();
            return version == Version
                ? ""
                : $"{path} is of version {version}, but this PatchKit needs {Version}; run environment/setup.sh.";
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException or BadImageFormatException)
        {
            return e.Message;
        }
    }

    [LibraryImport(Library)]
    private static partial int pkg_version();

    [LibraryImport(Library)]
    private static partial byte* pkg_error();

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint pkg_open(
        int rank,
        int ranks,
        string @interface,
        string address,
        Store store,
        long meet,
        long collective
    );

    [LibraryImport(Library)]
    internal static partial void pkg_close(nint group);

    [LibraryImport(Library)]
    internal static partial void pkg_abandon(nint group);

    [LibraryImport(Library)]
    internal static partial int pkg_all_reduce(nint group, nint numbers, long count, Number number, ReduceOp reduction);

    [LibraryImport(Library)]
    internal static partial int pkg_broadcast(nint group, nint bytes, long count, int root);

    [LibraryImport(Library)]
    internal static partial int pkg_all_gather(nint group, nint bytes, long count, nint all);

    [LibraryImport(Library)]
    internal static partial int pkg_barrier(nint group);
}
