using System.Globalization;
using System.Runtime.InteropServices;

namespace PatchKit.Cli;

/// <summary>
/// A token that ctrl-C, a polite kill or a closed terminal cancels, so that work can save itself; a second ctrl-C ends
/// the process. Of a process that `patchkit launch` started, the end of its standard input cancels it, too: the
/// launcher asks so, or is gone.
/// </summary>
internal sealed class CtrlC : IDisposable
{
    /// <summary>What shells expect of a command that was stopped so: 128 and the signal's number.</summary>
    internal const int ExitCode = 130;

    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration _interrupt,
        _terminate;
    private readonly PosixSignalRegistration? _hangUp;
    private readonly object _gate = new();
    private bool _disposed;

    internal CtrlC()
    {
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        if (!HangUpIsIgnored())
            _hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, HangUp);
        if (Environment.GetEnvironmentVariable(LaunchCommand.Variable) is not null)
            new Thread(FollowInput) { IsBackground = true, Name = "launcher" }.Start();
    }

    internal CancellationToken Token => _source.Token;

    public void Dispose()
    {
        _interrupt.Dispose();
        _terminate.Dispose();
        _hangUp?.Dispose();
        lock (_gate)
        {
            _disposed = true;
            _source.Dispose();
        }
    }

    private void FollowInput()
    {
        using var input = Console.OpenStandardInput();
        while (input.ReadByte() >= 0) { }
        lock (_gate)
        {
            if (!_disposed)
                _source.Cancel();
        }
    }

    // Both the terminal and the shell say it, so that a second one is no second wish. What was a terminal can no longer
    // be written to.
    private void HangUp(PosixSignalContext signal)
    {
        signal.Cancel = true;
        if (!Console.IsOutputRedirected)
            Console.SetOut(TextWriter.Null);
        if (!Console.IsErrorRedirected)
            Console.SetError(TextWriter.Null);
        lock (_gate)
        {
            if (!_disposed)
                _source.Cancel();
        }
    }

    /// <summary>
    /// Whether SIGHUP is ignored. By nohup, who means that the work goes on: a handler would undo it. Where the system
    /// does not tell, output that goes to no terminal, as nohup's does, is taken for a yes.
    /// </summary>
    internal static bool HangUpIsIgnored()
    {
        if (!OperatingSystem.IsLinux())
            return !OperatingSystem.IsWindows() && Console.IsOutputRedirected;
        const string Status = "/proc/self/status",
            Mask = "SigIgn:"; // bit 0 of the mask is signal 1
        return File.Exists(Status)
            && File.ReadLines(Status).FirstOrDefault(line => line.StartsWith(Mask, StringComparison.Ordinal))
                is { } line
            && (ulong.Parse(line.AsSpan(Mask.Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture) & 1)
                != 0;
    }

    private void Stop(PosixSignalContext signal)
    {
        signal.Cancel = !_source.IsCancellationRequested;
        _source.Cancel();
    }
}
