using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using CsNotebook.Jupyter;
using Xunit;

namespace CsNotebook.Tests.Jupyter;

/// <summary>
/// A kernel in a process of its own is interrupted in whatever a cell may be doing: the cell stops, the process and its
/// variables live on. <c>CSNOTEBOOK_REPEATS=20</c> asks for that many rounds of each.
/// </summary>
[Trait("speed", "seconds")]
public sealed class InterruptMatrixTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);
    private static readonly int Repeats = int.Parse(
        Environment.GetEnvironmentVariable("CSNOTEBOOK_REPEATS") ?? "2",
        CultureInfo.InvariantCulture
    );

    private static readonly string[] Activities =
    [
        "while (true) { }",
        "while (true) try { throw new Exception(); } catch { }",
        "while (true) { var bytes = new byte[100_000]; bytes[0] = 1; }",
        "Enumerable.Range(0, int.MaxValue).Select(i => (long)i * 2).Where(x => x < 0).Count()",
        "Parallel.For(0, 1_000_000, i => { while (true) { } });",
        "await Task.Delay(100_000);",
        "System.Threading.Thread.Sleep(100_000);",
        "Training.Run();",
    ];

    // A library that knows of the kernel only the name, and looks there between its steps.
    private const string Library = """
        using System;
        using System.Threading;
        public static class Training
        {
            public static void Run()
            {
                while (true)
                {
                    for (int until = Environment.TickCount + 100; Environment.TickCount - until < 0;) { }
                    ((CancellationToken)AppContext.GetData("csnotebook.cancellation")).ThrowIfCancellationRequested();
                }
            }
        }
        """;

    private readonly string folder = Directory.CreateTempSubdirectory("csnotebook-test-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Whatever_a_cell_does_it_stops_and_variables_live_on(bool bySignal)
    {
        if (bySignal)
            Signal.SkipWhereIgnored(Signal.Interrupt);
        var kernel = new KernelProcess("secret");
        using var front = new FrontEnd(kernel);
        front.Run(
            $"#r \"{Compiled.Library(Path.Combine(folder, "Training.dll"), Library)}\"\nvar alive = new "
                + "List<int> { 42 };"
        );
        foreach (string activity in Activities)
        {
            var times = Enumerable
                .Range(0, Repeats)
                .Select(_ => Stop(front, activity, bySignal ? kernel.Process : null))
                .ToList();
            TestContext.Current.TestOutputHelper?.WriteLine(
                $"{times.Max().TotalMilliseconds, 5:0} ms at most of {Repeats}, "
                    + $"by {(bySignal ? "signal" : "message")}: {activity}"
            );
            Assert.True(
                times.Max() < Limit,
                $"{activity} took {times.Max().TotalSeconds:0.0} s to stop; the most is {Limit.TotalSeconds:0} s."
            );
            Assert.Equal("42", (string?)front.Run("alive[0]").Shown[^1].Content["data"]!["text/plain"]);
            Assert.False(kernel.Process.HasExited);
        }
        front.SendControl("shutdown_request", new JsonObject { ["restart"] = false });
        Assert.True(kernel.Process.WaitForExit(Limit));
    }

    /// <summary>The time from the interrupt of a running cell to its reply.</summary>
    private static TimeSpan Stop(FrontEnd front, string activity, Process? signalled)
    {
        string id = front.Send("execute_request", FrontEnd.Cell($"Console.WriteLine(\"go\"); {activity}"));
        while (
            FrontEnd.Take(front.Iopub) is var message && !(message.Type == "stream" && FrontEnd.Parent(message) == id)
        ) { }
        Thread.Sleep(200);
        long asked = Stopwatch.GetTimestamp();
        if (signalled is null)
            front.Interrupt();
        else
            Signal.SendInterrupt(signalled);
        var reply = FrontEnd.Take(front.Shell);
        var took = Stopwatch.GetElapsedTime(asked);
        Assert.Equal((id, "KeyboardInterrupt"), (FrontEnd.Parent(reply), (string?)reply.Content["ename"]));
        front.Published(id);
        return took;
    }
}
