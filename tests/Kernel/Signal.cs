using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Xunit;

namespace CsNotebook.Tests;

/// <summary>What ctrl-C and others send.</summary>
internal static class Signal
{
    /// <summary>The number that a closed terminal sends, and the one of ctrl-C.</summary>
    public const int Hangup = 1,
        Interrupt = 2;

    private const int Terminate = 15;

    /// <summary>What ctrl-C sends.</summary>
    public static void SendInterrupt(Process process) => Assert.Equal(0, Kill(process.Id, Interrupt));

    /// <summary>What a terminal sends that is closed.</summary>
    public static void SendHangup(Process process) => Assert.Equal(0, Kill(process.Id, Hangup));

    /// <summary>What <c>kill</c> sends.</summary>
    public static void SendTerminate(Process process) => Assert.Equal(0, Kill(process.Id, Terminate));

    /// <summary>
    /// Skips a test of a signal that nothing started by this process would hear: a shell ignores ctrl-C for what runs
    /// in its background, and <c>nohup</c> ignores the end of the terminal.
    /// </summary>
    public static void SkipWhereIgnored(int signal)
    {
        const string Ignored = "SigIgn:",
            Status = "/proc/self/status";
        string? line = File.Exists(Status)
            ? File.ReadLines(Status).FirstOrDefault(l => l.StartsWith(Ignored, StringComparison.Ordinal))
            : null;
        ulong signals = line is null
            ? 0
            : ulong.Parse(line[Ignored.Length..].Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        Assert.SkipWhen(
            (signals >> (signal - 1) & 1) == 1,
            $"The tests were started where signal {signal} is ignored."
        );
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Kill(int process, int signal);
}
