using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using PatchKit.Torch.Calls;
using PatchKit.Torch.Distributed;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Torch;

/// <summary>
/// Where the native libraries that PatchKit calls lie: TorchSharp's, which that assembly finds; and PatchKit's own
/// (lib/Native), beside PatchKit.dll, in a bin folder above it, or where PATCHKIT_NATIVE says.
/// </summary>
internal static class NativeLibraries
{
    /// <summary>libpatchkit.so: kernels and image codecs.</summary>
    internal const string PatchKit = "patchkit";

    /// <summary>libpatchkit_gloo.so: collectives between processes.</summary>
    internal const string Gloo = "patchkit_gloo";

    /// <summary>libpatchkit_cuda.so: kernels on GPUs, where nvcc built it.</summary>
    internal const string Cuda = "patchkit_cuda";

    /// <summary>libpatchkit_cuda_emulated.so: the same kernels on the CPU, for tests.</summary>
    internal const string CudaEmulated = "patchkit_cuda_emulated";

    /// <summary>TorchSharp's own natives.</summary>
    internal const string TorchSharp = "LibTorchSharp";

    /// <summary>libtorch for GPUs, where it was built for them.</summary>
    internal const string TorchCuda = "torch_cuda";

    /// <summary>libtorch, for its C entries and for functions known by their mangled names.</summary>
    internal const string Torch = "torch_cpu";

    private static readonly string Packaged = Path.Combine("runtimes", "linux-x64", "native", "libpatchkit.so");

    // An assembly has one resolver, and no first type whose constructor could set it.
    [ModuleInitializer]
    internal static void Register()
    {
        NativeLibrary.SetDllImportResolver(typeof(NativeLibraries).Assembly, Resolve);
        Convolutions.LeaveOneDnn();
    }

    /// <summary>The path of libpatchkit.so, or null with the reason as a sentence.</summary>
    internal static string? Find(out string reason)
    {
        string? path = Candidates().FirstOrDefault(File.Exists);
        reason =
            path is not null ? ""
            : OperatingSystem.IsLinux()
                ? $"libpatchkit.so was not found at {Candidates().First()}; run environment/setup.sh, which "
                    + "builds it where a C++ compiler is."
            : "libpatchkit.so is for Linux; nothing needs it.";
        return path;
    }

    /// <summary>The path of a library that lies beside libpatchkit.so; null where it does not.</summary>
    internal static string? Beside(string library) =>
        Find(out _) is { } path
        && Path.Combine(Path.GetDirectoryName(path)!, $"lib{library}.so") is var beside
        && File.Exists(beside)
            ? beside
            : null;

    /// <summary>
    /// A function of libtorch that only its C++ name exports, as GCC and Clang, or as Microsoft's compiler spell it; 0
    /// where there is none.
    /// </summary>
    internal static nint TorchExport(string itanium, string microsoft) =>
        NativeLibrary.TryGetExport(Loaded(Torch), OperatingSystem.IsWindows() ? microsoft : itanium, out nint function)
            ? function
            : 0;

    /// <summary>
    /// A library that TorchSharp loads. It loads its own first: a libtorch that came here before it would be without
    /// the guard (environment/torchsharp).
    /// </summary>
    internal static nint Loaded(string name)
    {
        InitializeDeviceType(DeviceType.CPU);
        TensorGarbage.Watch();
        return NativeLibrary.Load(name, typeof(Tensor).Assembly, null);
    }

    private static IEnumerable<string> Candidates()
    {
        if (Environment.GetEnvironmentVariable("PATCHKIT_NATIVE") is { Length: > 0 } named)
        {
            yield return named;
            yield break;
        }
        if (!OperatingSystem.IsLinux())
            yield break;
        string beside = Path.GetDirectoryName(typeof(NativeLibraries).Assembly.Location) is { Length: > 0 } folder
            ? folder
            : AppContext.BaseDirectory;
        yield return Path.Combine(beside, "libpatchkit.so");
        yield return Path.Combine(beside, Packaged); // a program that was built for every platform
        yield return Path.Combine(beside, "..", "..", Packaged); // of lib/net10.0 in the package, for a notebook
        for (var up = new DirectoryInfo(beside); up is not null; up = up.Parent)
            yield return Path.Combine(up.FullName, "bin", "libpatchkit.so");
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? search) =>
        name switch
        {
            PatchKit => LoadPatchKit(),
            Gloo => LoadFile(
                Path.Combine(
                    Path.GetDirectoryName(Find(out string reason) ?? throw new DllNotFoundException(reason))!,
                    $"lib{Gloo}.so"
                )
            ),
            TorchSharp or Torch or TorchCuda => Loaded(name),
            _ => 0,
        };

    /// <summary>
    /// Loads libpatchkit.so. TorchSharp's libraries come first. Its OpenMP is libgomp.so.1 by the name inside, by which
    /// the loader then knows the one that kernels ask for; the other way round there are two, whose threads take time
    /// from each other.
    /// </summary>
    /// <exception cref="DllNotFoundException">It is not there, or cannot be loaded.</exception>
    internal static nint LoadPatchKit()
    {
        string path = Find(out string reason) ?? throw new DllNotFoundException(reason);
        nint torchSharp = Loaded(TorchSharp);
        nint patchKit = LoadFile(path);
        UseAllocator(patchKit, torchSharp);
        return patchKit;
    }

    // libtorch's allocator, or the one in front of it that counts: c10::alloc_cpu and c10::free_cpu. Before anything
    // can be called, as one allocator's block must not be freed by the other. A library of another version, or for
    // another processor, is left alone: Kernels says what is wrong with it.
    private static unsafe void UseAllocator(nint patchKit, nint torchSharp)
    {
        if (
            NativeLibrary.TryGetExport(patchKit, "pk_version", out nint version)
            && ((delegate* unmanaged<int>)version)() == Kernels.Version
            && NativeLibrary.TryGetExport(torchSharp, "_ZN3c109alloc_cpuEm", out nint allocate)
            && NativeLibrary.TryGetExport(torchSharp, "_ZN3c108free_cpuEPv", out nint release)
        )
            ((delegate* unmanaged<nint, nint, void>)NativeLibrary.GetExport(patchKit, "pk_use_allocator"))(
                allocate,
                release
            );
    }

    /// <exception cref="DllNotFoundException">It cannot be loaded.</exception>
    internal static nint LoadFile(string path)
    {
        try
        {
            return NativeLibrary.Load(path);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            throw new DllNotFoundException(
                $"{path} could not be loaded: {e.Message} Run environment/setup.sh again.",
                e
            );
        }
    }
}
