using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using static TorchSharp.torch;

namespace PatchKit.Torch;

/// <content>The libtorch at work, and its switches.</content>
public static partial class Engine
{
    private static readonly Lazy<string> s_configuration = new(ReadConfiguration);

    /// <summary>The version of TorchSharp, such as "0.107.0".</summary>
    public static string TorchSharpVersion => typeof(Tensor).Assembly.GetName().Version!.ToString(3);

    /// <summary>The version of libtorch, such as "2.10.0".</summary>
    public static string LibtorchVersion =>
        TorchVersion().Match(BuildConfiguration) is { Success: true } own ? own.Groups[1].Value : __version__;

    /// <summary>The libtorch_cpu that this process loaded.</summary>
    public static string LibtorchPath
    {
        get
        {
            NativeLibraries.Loaded(NativeLibraries.Torch);
            using var process = Process.GetCurrentProcess();
            return process
                    .Modules.Cast<ProcessModule>()
                    .FirstOrDefault(module =>
                        module.ModuleName.Contains(NativeLibraries.Torch, StringComparison.Ordinal)
                    )
                    ?.FileName
                ?? "not known";
        }
    }

    /// <summary>
    /// How libtorch was built, in its own words: compiler, BLAS, OpenMP, CPU capability; "not known" where it does not
    /// tell C#.
    /// </summary>
    public static string BuildConfiguration => s_configuration.Value;

    /// <summary>Whether operators without a deterministic form are refused.</summary>
    /// <exception cref="NotSupportedException">Set where libtorch keeps the switch from C#: on Windows.</exception>
    public static bool Deterministic
    {
        get => Libtorch.HasCpp && Libtorch.deterministic_algorithms(Libtorch.global_context());
        set
        {
            if (!Libtorch.HasCpp)
                throw new NotSupportedException(
                    "libtorch of this platform keeps its switch for deterministic operators from C#; leave it out."
                );
            nint context = Libtorch.global_context();
            Libtorch.set_deterministic_algorithms(context, value, warnOnly: false);
            Libtorch.set_deterministic_cudnn(context, value);
            Libtorch.set_benchmark_cudnn(context, false);
        }
    }

    /// <summary>Whether float32 matrix products and convolutions on a GPU may round their inputs to TF32.</summary>
    public static bool AllowTf32
    {
        set => backends.cuda.matmul.allow_tf32 = backends.cudnn.allow_tf32 = value;
    }

    private static unsafe string ReadConfiguration()
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
            return "not known";
        nint* text = stackalloc nint[4];
        Libtorch.show_config(text);
        return Encoding.UTF8.GetString((byte*)text[0], (int)text[1]); // never freed: it is read once
    }

    [GeneratedRegex("TORCH_VERSION=([0-9.]+)")]
    private static partial Regex TorchVersion();
}
