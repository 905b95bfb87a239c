using CsNotebook.Jupyter;

namespace CsNotebook.Tests.Jupyter;

/// <summary>A kernel in this process.</summary>
internal sealed class LocalKernel : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly string folder = Directory.CreateTempSubdirectory("csnb-").FullName;
    private readonly JupyterKernel kernel;
    private readonly Thread running;

    public LocalKernel(string transport, string key)
    {
        Connection =
            transport == "ipc"
                ? new ConnectionFile("ipc", Path.Combine(folder, "k"), 1, 2, 3, 4, 5, key)
                : new ConnectionFile("tcp", "127.0.0.1", Port(), Port(), Port(), Port(), Port(), key);
        kernel = new JupyterKernel(log => new ZmqWire(Connection, log), TextWriter.Synchronized(Log));
        running = new Thread(kernel.Run) { IsBackground = true };
        running.Start();

        static int Port() => ZmtpTests.Local().Port;
    }

    public ConnectionFile Connection { get; }

    /// <summary>What the kernel said of things that went wrong.</summary>
    public StringWriter Log { get; } = new();

    /// <summary>Waits for its end.</summary>
    public bool Ended() => running.Join(Limit);

    public void Dispose()
    {
        kernel.Shutdown();
        Ended();
        kernel.Dispose();
        Directory.Delete(folder, recursive: true);
    }
}
