using System.Runtime.InteropServices;

namespace PatchKit.Cli;

/// <summary>A token that ctrl-C or a polite kill cancels, so that work can save itself; a second ctrl-C ends the process.</summary>
internal sealed class CtrlC : IDisposable
{
    /// <summary>What shells expect of a command that was stopped so: 128 and the signal's number.</summary>
    internal const int ExitCode = 130;

    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration _interrupt, _terminate;

    internal CtrlC()
    {
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
    }

    internal CancellationToken Token => _source.Token;

    public void Dispose()
    {
        _interrupt.Dispose();
        _terminate.Dispose();
        _source.Dispose();
    }

    private void Stop(PosixSignalContext signal)
    {
        signal.Cancel = !_source.IsCancellationRequested;
        _source.Cancel();
    }
}
