using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace PatchKit.Torch.Distributed;

/// <summary>
/// NCCL's plain C functions, from libtorch's own copy or the machine's, found when they are first asked for.
/// </summary>
internal static unsafe class Nccl
{
    private static readonly Lazy<(nint Library, string Absence)> Found = new(Find);

    /// <summary>Why NCCL cannot be used, as a clause; empty where it can.</summary>
    internal static string Absence => Found.Value.Absence;

    internal static readonly delegate* unmanaged<UniqueId*, int> GetUniqueId = (delegate* unmanaged<
        UniqueId*,
        int>)Export("ncclGetUniqueId");
    internal static readonly delegate* unmanaged<nint*, int, UniqueId, int, int> CommInitRank = (delegate* unmanaged<
        nint*,
        int,
        UniqueId,
        int,
        int>)Export("ncclCommInitRank");
    internal static readonly delegate* unmanaged<nint, nint, nuint, int, int, nint, nint, int> AllReduce =
        (delegate* unmanaged<nint, nint, nuint, int, int, nint, nint, int>)Export("ncclAllReduce");
    internal static readonly delegate* unmanaged<nint, nint, nuint, int, int, nint, nint, int> Broadcast =
        (delegate* unmanaged<nint, nint, nuint, int, int, nint, nint, int>)Export("ncclBroadcast");
    internal static readonly delegate* unmanaged<nint, nint, nuint, int, nint, nint, int> AllGather =
        (delegate* unmanaged<nint, nint, nuint, int, nint, nint, int>)Export("ncclAllGather");
    internal static readonly delegate* unmanaged<nint, int> CommDestroy = (delegate* unmanaged<nint, int>)Export(
        "ncclCommDestroy"
    );
    internal static readonly delegate* unmanaged<nint, int> CommAbort = (delegate* unmanaged<nint, int>)Export(
        "ncclCommAbort"
    );
    private static readonly delegate* unmanaged<int, byte*> GetErrorString = (delegate* unmanaged<int, byte*>)Export(
        "ncclGetErrorString"
    );

    /// <summary>ncclUniqueId, 128 bytes passed by value: rank 0 makes it, and the others are told.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 128)]
    internal struct UniqueId
    {
        internal fixed long Words[16];
    }

    /// <summary>Throws what a function failed with.</summary>
    /// <exception cref="IOException">It failed.</exception>
    internal static void Check(int result, string what)
    {
        if (result != 0)
            throw new IOException($"NCCL's {what}: {Marshal.PtrToStringUTF8((nint)GetErrorString(result))}");
    }

    /// <summary>NCCL's number of an element type.</summary>
    /// <exception cref="ArgumentException">It has none.</exception>
    internal static int NumberOf(ScalarType type) =>
        type switch
        {
            ScalarType.Int8 => 0,
            ScalarType.Byte or ScalarType.Bool => 1,
            ScalarType.Int32 => 2,
            ScalarType.Int64 => 4,
            ScalarType.Float16 => 6,
            ScalarType.Float32 => 7,
            ScalarType.Float64 => 8,
            ScalarType.BFloat16 => 9,
            _ => throw new ArgumentException($"NCCL has no {type}; convert the tensor to float32 first."),
        };

    private static nint Export(string name) =>
        Found.Value.Library == 0 ? 0 : NativeLibrary.GetExport(Found.Value.Library, name);

    private static (nint Library, string Absence) Find()
    {
        // libtorch for GPUs has it inside, or has loaded it; else the machine's.
        foreach (string name in new[] { NativeLibraries.TorchCuda, "libnccl.so.2" })
        {
            try
            {
                nint library =
                    name == NativeLibraries.TorchCuda ? NativeLibraries.Loaded(name) : NativeLibrary.Load(name);
                if (NativeLibrary.TryGetExport(library, "ncclCommInitRank", out _))
                    return (library, "");
            }
            catch (DllNotFoundException)
            {
                // The next one.
            }
        }
        return (0, "libnccl.so.2 was not found (install NCCL, or put its folder on LD_LIBRARY_PATH)");
    }
}
