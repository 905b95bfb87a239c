using System.Runtime.InteropServices;
using PatchKit.Torch.Calls;

namespace PatchKit.Torch;

/// <summary>
/// Why libtorch's dispatcher refused a call: it says so on C++'s standard error alone, where libpatchkit
/// (lib/Native/api/messages.cpp) catches it.
/// </summary>
internal static unsafe partial class DispatcherMessages
{
    private const string Prefix = "Exception in aoti_torch: ",
        Backtrace = "\nException raised from ";

    private static readonly nint s_dispatcher = NativeLibrary.GetExport(
        NativeLibraries.Loaded(NativeLibraries.Torch),
        nameof(Libtorch.torch_call_dispatcher)
    );

    /// <summary>Calls an operator.</summary>
    /// <param name="name">of the operator, ending in 0.</param>
    /// <param name="overload">likewise.</param>
    /// <param name="stack">the arguments, and afterwards the results.</param>
    /// <param name="message">where libtorch's text goes, ending in 0.</param>
    /// <param name="room">bytes there.</param>
    /// <returns>whether libtorch refused.</returns>
    internal static bool Refuses(byte* name, byte* overload, ulong* stack, byte* message, int room)
    {
        *message = 0;
        return 0
            != (
                Kernels.Present
                    ? pk_call_dispatcher(s_dispatcher, name, overload, stack, Libtorch.AbiVersion, message, room)
                    : Libtorch.torch_call_dispatcher(name, overload, stack, Libtorch.AbiVersion)
            );
    }

    /// <summary>libtorch's sentence, without the time before it and the C++ functions after it.</summary>
    internal static string Sentence(string text)
    {
        if (text == "")
            return "libtorch wrote why on standard error";
        int start = text.IndexOf(Prefix, StringComparison.Ordinal),
            end = text.IndexOf(Backtrace, StringComparison.Ordinal);
        return text[(start < 0 ? 0 : start + Prefix.Length)..(end < 0 ? text.Length : end)].Trim();
    }

    [LibraryImport(NativeLibraries.PatchKit)]
    private static partial int pk_call_dispatcher(
        nint dispatcher,
        byte* name,
        byte* overload,
        ulong* stack,
        ulong version,
        byte* message,
        long room
    );
}
