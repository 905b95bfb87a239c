using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using TorchSharp;

namespace PatchKit.Cli;

/// <summary>What computes: TorchSharp as environment/torchsharp mends it, libtorch, MKL, and PatchKit's own kernels.</summary>
internal static class EngineChecks
{
    // What TorchSharp's natives ask for, once (environment/torchsharp).
    private const string NewestNeed = "GLIBCXX_3.4.32";

    private static readonly string s_maps = "/proc/self/maps";

    private static bool OnLinux => OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64;

    /// <summary>All of them in order; only the first where libtorch turns out not to load.</summary>
    internal static IEnumerable<Check> All()
    {
        var loaded = TorchSharpItself();
        yield return loaded;
        if (loaded.Standing == Standing.Broken) yield break;
        if (OnLinux) yield return TheGuard();
        if (OnLinux) yield return CppLibrary();
        yield return Libtorch();
        if (OnLinux && PatchKit.Guard.Exists) yield return MatrixProducts();
        yield return OwnKernels();
    }

    private static Check TorchSharpItself()
    {
        var assembly = typeof(torch).Assembly;
        string found = $"{Engine.TorchSharpVersion} from {assembly.Location}";
        try
        {
            torch.InitializeDeviceType(DeviceType.CPU);
        }
        catch (Exception e) when (e is NotSupportedException or DllNotFoundException or BadImageFormatException or TypeInitializationException or EntryPointNotFoundException)
        {
            return new("TorchSharp", Standing.Broken, $"{found} cannot load its native library: {(e.InnerException ?? e).Message.Split('\n')[0].TrimEnd('.')}", "Run environment/setup.sh, which puts TorchSharp and its libtorch side by side into bin/.");
        }
        string? woven = assembly.GetCustomAttributes<AssemblyMetadataAttribute>().FirstOrDefault(mark => mark.Key == "Woven")?.Value;
        return woven is not null
            ? new("TorchSharp", Standing.Ok, $"{found}, woven ({woven})")
            : new("TorchSharp", Standing.Degraded, $"{found}, not woven: the garbage collector may free a tensor during its last call", "Run environment/setup.sh, and reference bin/TorchSharp.dll, not the package, in notebooks.");
    }

    private static Check TheGuard() => PatchKit.Guard.Exists
        ? new("guard", Standing.Ok, $"version {PatchKit.Guard.pkg_guard_version()}: what natives of TorchSharp throw becomes an exception, and memory is counted")
        : new("guard", Standing.Degraded, "absent: a wrong shape in a matrix product ends the process, memory is told as the process's, and MKL takes its slow path on AMD's processors", "Install a C++ compiler (g++), then run environment/setup.sh again.");

    private static Check CppLibrary()
    {
        string path = Loaded("libstdc++.so").FirstOrDefault() ?? "";
        if (path.Length == 0) return new("C++ library", Standing.Ok, "inside TorchSharp's natives");
        bool hasNewest = File.ReadAllBytes(path).AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(NewestNeed + '\0')) >= 0;
        return new("C++ library", Standing.Ok, hasNewest ? $"{path}, which has {NewestNeed}" : $"{path}, older than {NewestNeed}, which TorchSharp's natives need weakly");
    }

    private static Check Libtorch()
    {
        string path = Engine.LibtorchPath, beside = Path.GetDirectoryName(typeof(torch).Assembly.Location) ?? "";
        string found = $"{Engine.LibtorchVersion} from {path}";
        return Path.GetDirectoryName(path) == beside
            ? new("libtorch", Standing.Ok, found)
            : new("libtorch", Standing.Degraded, $"{found}, which is not the one beside TorchSharp.dll", "Take its folder out of LD_LIBRARY_PATH, or start as bin/patchkit, which does.");
    }

    private static Check MatrixProducts()
    {
        using (torch.NewDisposeScope()) torch.ones(64, 64).matmul(torch.ones(64, 64));       // MKL looks at the processor with the first one
        return PatchKit.Guard.pkg_mkl_fast() switch
        {
            1 => new("MKL", Standing.Ok, "takes the fast path for this processor's instructions (PATCHKIT_MKL_FAST=0 leaves the choice to MKL)"),
            0 => new("MKL", Standing.Degraded, "takes its path for any processor: PATCHKIT_MKL_FAST=0 is set, and this is none of Intel's", "Unset PATCHKIT_MKL_FAST: matrix products are then about twice as fast, with the same errors."),
            _ => new("MKL", Avx2.IsSupported ? Standing.Degraded : Standing.Ok, "did not ask which processor this is, so its path is not known", Avx2.IsSupported ? "Another MKL or libtorch may have been loaded before TorchSharp's; look at the line libtorch." : ""),
        };
    }

    private static Check OwnKernels()
    {
        try
        {
            if (!Kernels.Present)
            {
                NativeLibraries.Find(out string reason);
                return new("kernels", Standing.Degraded, $"none; tensor operators take their place, several times slower. {reason}");
            }
        }
        catch (DllNotFoundException e)
        {
            return new("kernels", Standing.Broken, e.Message, "Run environment/setup.sh, which builds lib/Native for this program and this processor.");
        }
        string found = $"libpatchkit version {Kernels.Version} from {NativeLibraries.Find(out _)}";
        if (!torch.cuda.is_available()) return new("kernels", Standing.Ok, found);
        var composed = Engine.ComposedOperators(torch.CUDA).ToList();
        return composed.Count == 0
            ? new("kernels", Standing.Ok, $"{found}, with CUDA kernels")
            : new("kernels", Standing.Degraded, $"{found}; on the GPU {string.Join(", ", composed)} are made of tensor operators, which is slower");
    }

    private static IEnumerable<string> Loaded(string library) => !File.Exists(s_maps) ? [] : File.ReadLines(s_maps)
        .Select(line => line[(line.LastIndexOf(' ') + 1)..]).Where(path => path.StartsWith('/') && Path.GetFileName(path).StartsWith(library, StringComparison.Ordinal)).Distinct();
}
