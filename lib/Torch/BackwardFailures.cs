using System.Globalization;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace PatchKit.Torch;

/// <summary>Exceptions on their way from a node through libtorch to the caller of backward.</summary>
internal static unsafe partial class BackwardFailures
{
    private static readonly ExceptionDispatchInfo?[] Kept = new ExceptionDispatchInfo?[64];
    private static uint s_next;

    [ThreadStatic]
    private static int t_rethrows;

    [ThreadStatic]
    private static nint t_explanation;

    /// <summary>Keeps it until 64 later ones have come; returns its number, from 1.</summary>
    internal static int Keep(ExceptionDispatchInfo failure)
    {
        int slot = (int)(Interlocked.Increment(ref s_next) % (uint)Kept.Length);
        Volatile.Write(ref Kept[slot], failure);
        return slot + 1;
    }

    /// <summary>
    /// The exception whose number is in libtorch's sentence; null where the sentence is about something else.
    /// </summary>
    internal static ExceptionDispatchInfo? Take(string sentence)
    {
        var numbers = WrongNumber().Match(sentence);
        if (!numbers.Success)
            return null;
        int slot = Number(numbers.Groups["got"]) - Number(numbers.Groups["expected"]) - 1;
        return slot >= 0 && slot < Kept.Length ? Interlocked.Exchange(ref Kept[slot], null) : null;
    }

    /// <summary>Runs a backward pass, and throws the exception of a node as it was.</summary>
    internal static void Rethrow(Action pass)
    {
        t_rethrows++;
        try
        {
            pass();
        }
        catch (ExternalException e) when (Take(e.Message) is { } failure)
        {
            failure.Throw();
        }
        finally
        {
            t_rethrows--;
        }
    }

    /// <summary>
    /// Has the guard (environment/torchsharp) put a node's exception into the message of TorchSharp's, where nothing
    /// rethrows it.
    /// </summary>
    internal static void ExplainToTorchSharp()
    {
        if (
            NativeLibrary.TryGetExport(
                NativeLibraries.Loaded(NativeLibraries.TorchSharp),
                "pkg_explain_errors",
                out nint explainErrors
            )
        )
            ((delegate* unmanaged<delegate* unmanaged<byte*, nint>, void>)explainErrors)(&Explain);
    }

    [UnmanagedCallersOnly]
    private static nint Explain(byte* sentence)
    {
        if (t_rethrows > 0 || Take(Marshal.PtrToStringUTF8((nint)sentence)!) is not { SourceException: var exception })
            return 0;
        Marshal.FreeCoTaskMem(t_explanation);
        return t_explanation = Marshal.StringToCoTaskMemUTF8(
            $"{exception.GetType().Name} in a backward pass: {exception.Message} (Engine.Backward throws it as it was.)"
        );
    }

    private static int Number(Group digits) =>
        int.Parse(digits.ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture);

    [GeneratedRegex("invalid number of gradients - expected (?<expected>[0-9]{1,6}), but got (?<got>[0-9]{1,6})")]
    private static partial Regex WrongNumber();
}
