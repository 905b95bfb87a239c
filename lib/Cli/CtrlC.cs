using System.Runtime.InteropServices;

namespace PatchKit.Cli;

/// <summary>A token that ctrl-C or a polite kill cancels, so that work can save itself; a second ctrl-C ends the process. Of a process that `patchkit launch` started, the end of its standard input cancels it, too: the launcher asks so, or is gone.</summary>
internal sealed class CtrlC : IDisposable
{
    /// <summary>What shells expect of a command that was stopped so: 128 and the signal's number.</summary>
    internal const int ExitCode = 130;

    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration _interrupt, _terminate;
    private readonly object _gate = new();
    private bool _disposed;

    internal CtrlC()
    {
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        if (Environment.GetEnvironmentVariable(LaunchCommand.Variable) is not null) new Thread(FollowInput) { IsBackground = true, Name = "launcher" }.Start();
    }

    internal CancellationToken Token => _source.Token;

    public void Dispose()
    {
        _interrupt.Dispose();
        _terminate.Dispose();
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
            if (!_disposed) _source.Cancel();
        }
    }

    private void Stop(PosixSignalContext signal)
    {
        signal.Cancel = !_source.IsCancellationRequested;
        _source.Cancel();
    }
}
