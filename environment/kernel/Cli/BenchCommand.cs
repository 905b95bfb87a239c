using System.CommandLine;
using CsNotebook.Engine;
using CsNotebook.Jupyter;

namespace CsNotebook.Cli;

/// <summary><c>csnotebook bench</c>: what a user waits for, as medians.</summary>
internal static class BenchCommand
{
    private const int Rounds = 20;
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(2);

    public static Command Create()
    {
        var command = new Command(
            "bench",
            $"Print medians of {Rounds}: a kernel's start, its first cell, trivial cells, completion"
        );
        command.SetAction(async (_, stop) => await All(stop));
        return command;
    }

    private static async Task<int> All(CancellationToken stop)
    {
        // Once a session runs, Console leads to its cells.
        var output = Console.Out;
        Print("ready, in a new process", ReadyTime.Measure);
        Print("first cell, as soon as it is ready", () => ReadyTime.MeasureFirstCell(TimeSpan.Zero));
        Print("first cell, two seconds later", () => ReadyTime.MeasureFirstCell(Idle));
        Print("first completion, two seconds later", () => ReadyTime.MeasureFirstCompletion(Idle));
        using var session = new CSharpSession();
        await Waits.TrivialCell(session, stop);
        Print("trivial cell", () => Waits.TrivialCell(session, stop).GetAwaiter().GetResult());
        await Waits.Fill(session, stop);
        Print(
            $"trivial cell after {Waits.ManyCells} cells",
            () => Waits.TrivialCell(session, stop).GetAwaiter().GetResult()
        );
        Print($"completion after {Waits.ManyCells} cells", () => Waits.Completion(session));
        return 0;

        void Print(string what, Func<TimeSpan> measure)
        {
            var times = Enumerable.Range(0, Rounds).Select(_ => measure().TotalMilliseconds).Order().ToList();
            output.WriteLine($"{what, -36} {Waits.Median(times):0} ms  ({times[0]:0} to {times[^1]:0})");
        }
    }
}
