using System.CommandLine;
using System.Diagnostics;
using CsNotebook.Engine;
using CsNotebook.Notebook;

namespace CsNotebook.Cli;

/// <summary><c>csnotebook bench</c>: what a user waits for, as medians.</summary>
internal static class BenchCommand
{
    private const int Rounds = 20;
    private const int ManyCells = 200;

    public static Command Create()
    {
        var once = new Option<bool>("--first-cell") { Hidden = true };
        var command = new Command("bench", $"Print medians of {Rounds}: first cell, trivial cell, completion after {ManyCells} cells") { once };
        command.SetAction(async (parsed, stop) =>
        {
            if (parsed.GetValue(once))
                Console.WriteLine((await FirstCell(stop)).TotalMilliseconds);
            else
                await All(stop);
            return 0;
        });
        return command;
    }

    private static async Task All(CancellationToken stop)
    {
        // Once a session runs, Console leads to its cells.
        var output = Console.Out;
        Print(output, "first cell, in a new process", [.. Enumerable.Range(0, Rounds).Select(_ => FirstCellOfNewProcess())]);
        using var session = new CSharpSession();
        var silent = new OutputRecorder([]);
        await session.ExecuteAsync("1 + 1", silent, stop);
        var trivial = new List<TimeSpan>();
        for (int i = 0; i < Rounds; i++)
            trivial.Add((await session.ExecuteAsync($"{i} + 1", silent, stop)).Duration);
        Print(output, "trivial cell", trivial);
        for (int i = session.ExecutionCount; i < ManyCells; i++)
            await session.ExecuteAsync($"var x{i} = new List<int> {{ {i} }}; int F{i}(int n) => n + {i};", silent, stop);
        trivial.Clear();
        for (int i = 0; i < Rounds; i++)
            trivial.Add((await session.ExecuteAsync($"{i} + 1", silent, stop)).Duration);
        Print(output, $"trivial cell after {ManyCells} cells", trivial);
        var completion = new List<TimeSpan>();
        for (int i = 0; i < Rounds; i++)
        {
            string code = $"var y = x{100 + i}.";
            long begin = Stopwatch.GetTimestamp();
            session.Complete(code, code.Length);
            completion.Add(Stopwatch.GetElapsedTime(begin));
        }
        Print(output, $"completion after {ManyCells} cells", completion);
    }

    private static async Task<TimeSpan> FirstCell(CancellationToken stop)
    {
        long begin = Stopwatch.GetTimestamp();
        using var session = new CSharpSession();
        await session.ExecuteAsync("var x = 1; x + 1", new OutputRecorder([]), stop);
        return Stopwatch.GetElapsedTime(begin);
    }

    private static TimeSpan FirstCellOfNewProcess()
    {
        string self = Environment.ProcessPath!, dll = typeof(BenchCommand).Assembly.Location;
        string[] arguments = Path.GetFileNameWithoutExtension(self) == "dotnet" ? [dll, "bench", "--first-cell"] : ["bench", "--first-cell"];
        using var process = Process.Start(new ProcessStartInfo(self, arguments) { RedirectStandardOutput = true })!;
        string text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return TimeSpan.FromMilliseconds(double.Parse(text));
    }

    private static void Print(TextWriter output, string what, IReadOnlyList<TimeSpan> times) =>
        output.WriteLine($"{what,-36} {Median(times):0} ms  ({times.Min().TotalMilliseconds:0} to {times.Max().TotalMilliseconds:0})");

    private static double Median(IReadOnlyList<TimeSpan> times)
    {
        var sorted = times.Order().ToList();
        return (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]).TotalMilliseconds / 2;
    }
}
