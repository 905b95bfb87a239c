using System.Diagnostics;
using CsNotebook.Engine;
using CsNotebook.Notebook;

namespace CsNotebook.Cli;

/// <summary>What is waited for in a session that runs, for the bench and for the tests.</summary>
internal static class Waits
{
    /// <summary>A long notebook.</summary>
    public const int ManyCells = 200;

    private static readonly OutputRecorder Silent = new([]);

    /// <summary>A cell that does next to nothing.</summary>
    public static async Task<TimeSpan> TrivialCell(CSharpSession session, CancellationToken stop) =>
        (await session.ExecuteAsync($"{session.ExecutionCount} + 1", Silent, stop).ConfigureAwait(false)).Duration;

    /// <summary>The members of a variable in the middle of a filled session.</summary>
    public static TimeSpan Completion(CSharpSession session)
    {
        const string code = "var y = x100.";
        long begin = Stopwatch.GetTimestamp();
        session.Complete(code, code.Length);
        return Stopwatch.GetElapsedTime(begin);
    }

    /// <summary>Runs cells with declarations until there are <see cref="ManyCells"/>.</summary>
    public static async Task Fill(CSharpSession session, CancellationToken stop)
    {
        for (int i = session.ExecutionCount; i < ManyCells; i++)
            await session
                .ExecuteAsync($"var x{i} = new List<int> {{ {i} }}; int F{i}(int n) => n + {i};", Silent, stop)
                .ConfigureAwait(false);
    }

    /// <summary>The median of times in ascending order.</summary>
    public static double Median(IReadOnlyList<double> sorted) =>
        (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2;
}
