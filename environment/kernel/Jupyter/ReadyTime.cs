using System.Diagnostics;
using System.Text.Json.Nodes;
using CsNotebook.Jupyter.Zmtp;

namespace CsNotebook.Jupyter;

/// <summary>For the bench: from the start of a process to its answer to <c>kernel_info_request</c>.</summary>
internal static class ReadyTime
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>Starts a kernel of this program, asks it who it is, and ends it.</summary>
    /// <exception cref="TimeoutException">It did not answer within a minute.</exception>
    public static TimeSpan Measure()
    {
        string folder = Directory.CreateTempSubdirectory("csnotebook-ready-").FullName;
        var connection = new ConnectionFile("ipc", Path.Combine(folder, "k"), 1, 2, 3, 4, 5, Guid.NewGuid().ToString("N"));
        string file = Path.Combine(folder, "connection.json");
        connection.Save(file);
        string[] launcher = KernelSpecs.Launcher();
        long begin = Stopwatch.GetTimestamp();
        using var process = Process.Start(launcher[0], [.. launcher[1..], "start", "-f", file]);
        try
        {
            var codec = new MessageCodec(connection.Key, "bench");
            using var shell = Connect(connection, begin);
            Send(shell, codec, "kernel_info_request");
            shell.Receive();
            var took = Stopwatch.GetElapsedTime(begin);
            Send(shell, codec, "shutdown_request");
            shell.Receive();
            process.WaitForExit(Limit);
            return took;
        }
        finally
        {
            if (!process.HasExited)
                process.Kill();
            Directory.Delete(folder, recursive: true);
        }
    }

    private static ZmtpConnection Connect(ConnectionFile connection, long begin)
    {
        while (true)
        {
            try
            {
                return ZmtpConnection.Connect(connection.EndPoint(connection.Shell), "DEALER", []);
            }
            catch (System.Net.Sockets.SocketException)
            {
                if (Stopwatch.GetElapsedTime(begin) > Limit)
                    throw new TimeoutException($"The kernel did not listen within {Limit.TotalSeconds:0} s.");
                Thread.Sleep(5);
            }
        }
    }

    private static void Send(ZmtpConnection shell, MessageCodec codec, string type) => shell.Send(codec.Encode([], type, new JsonObject(), null));
}
