using System.Diagnostics;
using System.Net.Sockets;
using CsNotebook.Jupyter.Zmtp;

namespace CsNotebook.Jupyter;

/// <summary>A kernel of this program in a process of its own, started as a front end starts it.</summary>
internal sealed class KernelProcess : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("csnb-").FullName;
    private readonly long _begin;

    /// <summary>Starts it.</summary>
    /// <param name="key">the key of its messages' signatures.</param>
    public KernelProcess(string key)
    {
        Connection = new ConnectionFile("ipc", Path.Combine(_folder, "k"), 1, 2, 3, 4, 5, key);
        string file = Path.Combine(_folder, "connection.json");
        Connection.Save(file);
        string[] launcher = KernelSpecs.Launcher();
        _begin = Stopwatch.GetTimestamp();
        Process = Process.Start(launcher[0], [.. launcher[1..], "start", "-f", file]);
    }

    /// <summary>Where it listens, soon.</summary>
    public ConnectionFile Connection { get; }

    /// <summary>The process.</summary>
    public Process Process { get; }

    /// <summary>The time since it was started.</summary>
    public TimeSpan Age => Stopwatch.GetElapsedTime(_begin);

    /// <summary>Connects to one of its channels, once it listens.</summary>
    /// <exception cref="TimeoutException">It does not listen within a minute, or has ended.</exception>
    public ZmtpConnection Connect(int port, string type, byte[] identity)
    {
        while (true)
        {
            try
            {
                return ZmtpConnection.Connect(Connection.EndPoint(port), type, identity);
            }
            catch (SocketException e)
            {
                if (Process.HasExited)
                    throw new TimeoutException(
                        $"The kernel ended with exit code {Process.ExitCode} before it listened.",
                        e
                    );
                if (Age > Limit)
                    throw new TimeoutException(
                        $"The kernel did not listen within {Limit.TotalSeconds:0} s: {e.Message}.",
                        e
                    );
                Thread.Sleep(5);
            }
        }
    }

    /// <summary>Ends the process if it has not ended.</summary>
    public void Dispose()
    {
        if (!Process.HasExited)
            Process.Kill();
        Process.WaitForExit(Limit);
        Process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
