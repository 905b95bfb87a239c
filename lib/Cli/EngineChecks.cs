using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Text;
using PatchKit.Data.Images;
using PatchKit.Torch;
using PatchKit.Torch.Calls;
using TorchSharp;

namespace PatchKit.Cli;

/// <summary>
/// What computes: TorchSharp as environment/torchsharp mends it, libtorch, MKL, and PatchKit's own kernels.
/// </summary>
internal static class EngineChecks
{
    private static readonly string SetUp = OperatingSystem.IsLinux()
        ? "Run environment/setup.sh, which puts TorchSharp and its libtorch side by side into bin/."
        : "Run dotnet build PatchKit.csproj -c Release, which puts TorchSharp and its libtorch side by side into bin/.";

    // What TorchSharp's natives ask for, once (environment/torchsharp).
    private const string NewestNeed = "GLIBCXX_3.4.32";

    private static bool OnLinux =>
        OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64;

    private static string Folder => Path.GetDirectoryName(typeof(torch).Assembly.Location) ?? "";

    /// <summary>All of them in order; only the first where libtorch does not load.</summary>
    internal static IEnumerable<Check> All()
    {
        var loaded = TorchSharpItself();
        yield return loaded;
        if (loaded.Standing == Standing.Broken)
            yield break;
        if (OnLinux)
            yield return TheGuard();
        if (OnLinux)
            yield return CppLibrary();
        yield return Libtorch();
        if (OnLinux && Guard.Exists)
            yield return Mkl();
        yield return ConvolutionGradients();
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
        catch (Exception e)
            when (e
                    is NotSupportedException
                        or DllNotFoundException
                        or BadImageFormatException
                        or TypeInitializationException
                        or EntryPointNotFoundException
            )
        {
            string failure = $"{found} cannot load its native library: {Reason(e.InnerException ?? e)}";
            return Check.Broken("TorchSharp", failure, AnotherInTheWay() ?? SetUp);
        }
        return
            assembly.GetCustomAttributes<AssemblyMetadataAttribute>().FirstOrDefault(mark => mark.Key == "Woven")
                is { } woven
            ? Check.Ok("TorchSharp", $"{found}, woven ({woven.Value})")
            : Check.Degraded(
                "TorchSharp",
                $"{found}, not woven: the garbage collector may free a tensor during its last call",
                "Build PatchKit anew (environment/setup.sh), and reference bin/TorchSharp.dll, not the "
                    + "package, in notebooks."
            );
    }

    // .NET begins with a sentence of its own; then the loader tells of each place where it looked.
    private static string Reason(Exception e)
    {
        string[] said = e.Message.Split('\n', StringSplitOptions.TrimEntries);
        string? inside = said.FirstOrDefault(line => line.StartsWith('/') && !line.Contains("No such file"));
        string? beside = said.FirstOrDefault(line =>
            line.StartsWith(AppContext.BaseDirectory) && line.Contains("/libLibTorchSharp.")
        );
        return (inside ?? beside ?? said[0]).TrimEnd('.');
    }

    private static string? AnotherInTheWay()
    {
        string? folder = (Environment.GetEnvironmentVariable("LD_LIBRARY_PATH") ?? "")
            .Split(':', StringSplitOptions.RemoveEmptyEntries)
            .FirstOrDefault(folder => File.Exists(Path.Combine(folder, "libtorch_cpu.so")));
        return folder is null
            ? null
            : $"LD_LIBRARY_PATH names {folder}, which holds another libtorch; start as bin/patchkit, "
                + "or source environment/env.sh first, which leave it out (PATCHKIT_LIBTORCH names one on purpose).";
    }

    private static Check TheGuard() =>
        Guard.Exists
            ? Check.Ok(
                "guard",
                $"version {Guard.pkg_guard_version()}: what TorchSharp's natives throw becomes an exception"
            )
            : Check.Degraded(
                "guard",
                "absent: a wrong shape in a matrix product ends the process, and MKL is slow on AMD's processors",
                "Install a C++ compiler (g++), then run environment/setup.sh again."
            );

    private static Check CppLibrary()
    {
        string? path = File.ReadLines("/proc/self/maps")
            .Select(line => line[(line.LastIndexOf(' ') + 1)..])
            .FirstOrDefault(path => Path.GetFileName(path).StartsWith("libstdc++.so", StringComparison.Ordinal));
        if (path is null)
            return Check.Ok("C++ library", "not known");
        bool isNew = File.ReadAllBytes(path).AsSpan().IndexOf(Encoding.ASCII.GetBytes(NewestNeed + '\0')) >= 0;
        return Check.Ok(
            "C++ library",
            isNew
                ? $"{path}, which has {NewestNeed}"
                : $"{path}, older than {NewestNeed}, which TorchSharp's natives need weakly"
        );
    }

    private static Check Libtorch()
    {
        string path = Engine.LibtorchPath,
            found = $"{Engine.LibtorchVersion} from {path}";
        if (AnotherInTheWay() is { } way)
            return Check.Degraded("libtorch", found, way);
        return Path.GetDirectoryName(path) == Folder
            ? Check.Ok("libtorch", found)
            : Check.Degraded("libtorch", $"{found}, which is not the one beside TorchSharp.dll", SetUp);
    }

    private static Check Mkl()
    {
        // MKL looks at the processor with the first product.
        using (torch.NewDisposeScope())
            torch.ones(64, 64).matmul(torch.ones(64, 64));
        return Guard.pkg_mkl_fast() switch
        {
            1 => Check.Ok(
                "MKL",
                "takes the fast path for this processor's instructions (PATCHKIT_MKL_FAST=0 leaves the choice to MKL)"
            ),
            0 => Check.Degraded(
                "MKL",
                "takes its path for any processor: PATCHKIT_MKL_FAST=0 is set, and this is none of Intel's",
                "Unset PATCHKIT_MKL_FAST: matrix products are then about twice as fast, with the same errors."
            ),
            _ => new(
                "MKL",
                Avx2.IsSupported ? Standing.Degraded : Standing.Ok,
                "did not ask which processor this is, so its path is not known",
                Avx2.IsSupported ? "libtorch was loaded before the guard; the line libtorch may tell why." : ""
            ),
        };
    }

    // 8 channels, which oneDNN pads: environment/torchsharp tells what it may do to them.
    private static Check ConvolutionGradients()
    {
        using var scope = torch.NewDisposeScope();
        using var recording = torch.enable_grad();
        var (image, weight) = (
            torch.randn([4, 8, 12, 12], dtype: torch.float64),
            torch.randn([8, 8, 3, 3], dtype: torch.float64)
        );
        var (right, found) = (Gradient(torch.float64), Gradient(torch.float32).to_type(torch.float64));
        double error = ((found - right).abs().max() / right.abs().max()).ToDouble();
        string whose = Convolutions.AreOneDnns ? "oneDNN's" : "libtorch's own";
        return error < 1e-4
            ? Check.Ok("convolutions", $"{whose}, {error:0.0E+0} from float64's")
            : Check.Broken(
                "convolutions",
                $"{whose}, and gradients are off by {error:0%} of their size",
                "Unset PATCHKIT_ONEDNN, which leaves libtorch its choice."
            );

        torch.Tensor Gradient(torch.ScalarType type)
        {
            var x = image.to_type(type).requires_grad_();
            var value = torch.nn.functional.conv2d(x, weight.to_type(type), padding: [1, 1]);
            return torch.autograd.grad([value.square().sum()], [x])[0];
        }
    }

    private static Check OwnKernels()
    {
        string? path = NativeLibraries.Find(out string reason);
        try
        {
            if (!Kernels.Present)
                return Check.Degraded(
                    "kernels",
                    "none: tensor operators take their place, several times slower",
                    reason is "" ? ImageLibrary.Absence : reason
                );
        }
        catch (DllNotFoundException e)
        {
            return Check.Broken(
                "kernels",
                e.Message,
                "Run environment/setup.sh, which builds lib/Native for this processor."
            );
        }
        string found = $"libpatchkit version {Kernels.Version} from {path}";
        string[] composed = torch.cuda.is_available() ? [.. Engine.ComposedOperators(torch.CUDA)] : [];
        return composed.Length == 0
            ? Check.Ok("kernels", found)
            : Check.Degraded(
                "kernels",
                $"{found}; on the GPU tensor operators take the place of {string.Join(", ", composed)}"
            );
    }
}
