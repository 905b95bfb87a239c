using System.Runtime.CompilerServices;
using TorchSharp;

namespace PatchKit.Torch;

/// <summary>
/// Takes oneDNN and NNPACK from libtorch where no guard does (environment/torchsharp): on builds without a C++
/// compiler, and on other systems. oneDNN 3.7.1 gives convolutions whose gradients are off by half their size.
/// </summary>
internal static unsafe class Convolutions
{
    /// <summary>Whether libtorch computes convolutions by oneDNN.</summary>
    internal static bool AreOneDnns =>
        Guard.Exists
            ? Guard.pkg_onednn() != 0
            : Function("_ZNK2at7Context17userEnabledMkldnnEv", "?userEnabledMkldnn@Context@at@@QEBA_NXZ") is var ask
                && (ask == 0 || ((delegate* unmanaged<void*, byte>)ask)(Context()) != 0);

    /// <summary>
    /// As PatchKit.dll is loaded, before a model is. libtorch is loaded for it, 0.3 s that a guarded build does not
    /// spend.
    /// </summary>
    internal static void LeaveOneDnn()
    {
        try
        {
            if (!StandsGuard())
                Leave();
        }
        catch (Exception e) when (e is DllNotFoundException or TypeInitializationException or NotSupportedException)
        {
            // Whoever asks for a tensor is told; commands that need none go on.
        }
    }

    // Apart, so that a missing TorchSharp.dll is caught above.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool StandsGuard() =>
        Path.GetDirectoryName(typeof(torch).Assembly.Location) is { Length: > 0 } folder
        && File.Exists(Path.Combine(folder, "libRawTorchSharp.so"));

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Leave()
    {
        if (Environment.GetEnvironmentVariable("PATCHKIT_ONEDNN") != "1")
            Set("_ZN2at7Context20setUserEnabledMkldnnEb", "?setUserEnabledMkldnn@Context@at@@QEAAX_N@Z");
        Set("_ZN2at7Context20setUserEnabledNNPACKEb", "?setUserEnabledNNPACK@Context@at@@QEAAX_N@Z");

        static void Set(string itanium, string microsoft)
        {
            if (Function(itanium, microsoft) is var set and not 0 && Context() is var context && context is not null)
                ((delegate* unmanaged<void*, byte, void>)set)(context, 0);
        }
    }

    private static void* Context() =>
        Function("_ZN2at13globalContextEv", "?globalContext@at@@YAAEAVContext@1@XZ") is var context and not 0
            ? ((delegate* unmanaged<void*>)context)()
            : null;

    private static nint Function(string itanium, string microsoft) => NativeLibraries.TorchExport(itanium, microsoft);
}
