using System.Diagnostics;
using CsNotebook.Engine;
using Xunit;

namespace CsNotebook.Tests;

/// <summary>A stop stops: under a second on an idle machine, and never more than ten here.</summary>
[Trait("speed", "seconds")]
public sealed class InterruptTests : SessionTest
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    [Theory]
    [InlineData("while (true) { }")]
    [InlineData("while (true) ;")]
    [InlineData("for (;;) try { throw new Exception(); } catch { }")]
    [InlineData("try { throw new Exception(); } catch { while (true) { } }")]
    [InlineData("while (true) try { System.Threading.Thread.Sleep(100000); } catch (Exception) { }")]
    [InlineData("while (true) { var b = new byte[100000]; b[0] = 1; }")]
    [InlineData("Enumerable.Range(0, int.MaxValue).Select(i => (long)i * 2).Where(x => x < 0).Count()")]
    [InlineData("Parallel.For(0, 1000000, i => { while (true) { } });")]
    [InlineData("Parallel.For(0L, long.MaxValue, i => Math.Sqrt(i));")]
    [InlineData("await Task.Delay(100000);")]
    [InlineData("Task.Delay(100000).Wait();")]
    [InlineData("System.Threading.Thread.Sleep(100000);")]
    [InlineData("await Task.Run(() => { while (true) { } });")]
    [InlineData("await Task.Yield(); while (true) { }")]
    [InlineData("again: goto again;")]
    [InlineData("int F(int n) => n < 2 ? 1 : F(n - 1) + F(n - 2); F(80)")]
    [InlineData("IEnumerable<int> Forever() { while (true) yield return 1; } Forever().Sum(x => (long)x)")]
    [InlineData("Console.ReadLine()")]
    [InlineData("while (true) Console.WriteLine(\"on and on\");")]
    [InlineData(
        "((System.Threading.CancellationToken)AppContext.GetData(\"csnotebook.cancellation\")).WaitHandle.WaitOne(); "
            + "throw new OperationCanceledException();"
    )]
    public async Task A_stop_stops_and_variables_live_on(string code)
    {
        var host = new StubbornHost();
        await Run("var alive = new List<int> { 1, 2, 3 };");
        for (int round = 0; round < 2; round++)
        {
            using var stop = new CancellationTokenSource();
            var running = Session.ExecuteAsync(code, host, stop.Token);
            Started();
            long asked = Stopwatch.GetTimestamp();
            stop.Cancel();
            var result = await running.WaitAsync(Limit, TestContext.Current.CancellationToken);
            TestContext.Current.TestOutputHelper?.WriteLine(
                $"stopped in {Stopwatch.GetElapsedTime(asked).TotalMilliseconds:0} ms: {code}"
            );
            Assert.Equal(CellStatus.Aborted, result.Status);
            Assert.Equal("KeyboardInterrupt", result.Error!.Name);
        }
        Assert.Equal("[ 1, 2, 3 ]", await Run("alive"));
    }

    [Fact]
    public async Task A_stop_before_the_cell_runs_is_a_stop()
    {
        using var stop = new CancellationTokenSource();
        await stop.CancelAsync();
        Assert.Equal(CellStatus.Aborted, (await Session.ExecuteAsync("var x = 1;", Host, stop.Token)).Status);
    }

    [Fact]
    public async Task A_cell_that_ends_well_on_its_token_has_ended_well()
    {
        using var stop = new CancellationTokenSource();
        var running = Session.ExecuteAsync(
            """
            var token = (System.Threading.CancellationToken)AppContext.GetData("csnotebook.cancellation");
            try { await Task.Delay(-1, token); } catch (OperationCanceledException) { }
            "saved"
            """,
            Host,
            stop.Token
        );
        Started();
        await stop.CancelAsync();
        var result = await running.WaitAsync(Limit, TestContext.Current.CancellationToken);
        Assert.Contains(result.Status, new[] { CellStatus.Ok, CellStatus.Aborted });
    }

    [Fact]
    public async Task A_library_that_saves_on_its_token_is_left_to_its_work()
    {
        string dll = Compiled.Library(
            Path.Combine(Folder, "Saver.dll"),
            """
            using System;
            using System.Threading;
            public static class Saver
            {
                public static void Run()
                {
                    var stop = (CancellationToken)AppContext.GetData("csnotebook.cancellation");
                    while (!stop.IsCancellationRequested) { }
                    for (int until = Environment.TickCount + 300; Environment.TickCount - until < 0;) { }
                    Thread.Sleep(1);
                    throw new OperationCanceledException("it is saved.");
                }
            }
            """
        );
        await Run($"#r \"{dll}\"");
        // The stop may find it in its one short wait, but hardly three times.
        string said = "";
        for (int i = 0; i < 3 && !said.Contains("saved", StringComparison.Ordinal); i++)
        {
            using var stop = new CancellationTokenSource();
            var running = Session.ExecuteAsync("Saver.Run();", Host, stop.Token);
            Started();
            await stop.CancelAsync();
            said = (await running.WaitAsync(Limit, TestContext.Current.CancellationToken)).Error!.Message;
        }
        Assert.Equal("The cell was stopped in line 1: it is saved.", said);
    }

    /// <summary>
    /// Waits until a cell runs, and a moment longer so that it is in the midst of things. On this thread alone: a cell
    /// of Parallel.For has the whole pool, and who awaits a delay beside it gets a thread after half a minute.
    /// </summary>
    private static void Started()
    {
        while (AppContext.GetData("csnotebook.cancellation") is not CancellationToken { CanBeCanceled: true })
            Thread.Sleep(10);
        Thread.Sleep(300);
    }

    /// <summary>A host whose user never answers.</summary>
    private sealed class StubbornHost : ICellHost
    {
        public void Stream(StreamName name, string text) { }

        public void Display(MimeBundle data, string? displayId, bool update) { }

        public string? ReadLine(string prompt, bool password)
        {
            Thread.Sleep(TimeSpan.FromSeconds(15));
            return null;
        }

        public void ClearOutput(bool wait) { }
    }
}
