using System.Diagnostics;
using System.Text.Json.Nodes;
using CsNotebook.Jupyter.Zmtp;

namespace CsNotebook.Jupyter;

/// <summary>For the bench: what a front end waits for that starts a kernel.</summary>
internal static class ReadyTime
{
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(10);

    /// <summary>From the start of a process to its answer to <c>kernel_info_request</c>.</summary>
    /// <exception cref="TimeoutException">It did not listen within a minute.</exception>
    public static TimeSpan Measure() => Measure((kernel, _) => kernel.Age);

    /// <summary>From a cell's request to its reply, the first after so long a time of idleness.</summary>
    public static TimeSpan MeasureFirstCell(TimeSpan idle) =>
        MeasureFirst(idle, "execute_request", new JsonObject { ["code"] = "var x = 1; x + 1" });

    /// <summary>The same for a completion.</summary>
    public static TimeSpan MeasureFirstCompletion(TimeSpan idle) =>
        MeasureFirst(idle, "complete_request", new JsonObject { ["code"] = "\"text\".", ["cursor_pos"] = 7 });

    private static TimeSpan MeasureFirst(TimeSpan idle, string type, JsonObject content) =>
        Measure(
            (_, ask) =>
            {
                Thread.Sleep(idle);
                long begin = Stopwatch.GetTimestamp();
                ask(type, content);
                return Stopwatch.GetElapsedTime(begin);
            }
        );

    private static TimeSpan Measure(Func<KernelProcess, Action<string, JsonObject>, TimeSpan> read)
    {
        using var kernel = new KernelProcess(Guid.NewGuid().ToString("N"));
        var codec = new MessageCodec(kernel.Connection.Key, "bench");
        using var shell = kernel.Connect(kernel.Connection.Shell, "DEALER", []);
        Ask("kernel_info_request", []);
        var took = read(kernel, Ask);
        Ask("shutdown_request", []);
        kernel.Process.WaitForExit(Farewell);
        return took;

        void Ask(string type, JsonObject content)
        {
            shell.Send(codec.Encode([], type, content, null));
            shell.Receive();
        }
    }
}
