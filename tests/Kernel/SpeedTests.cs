using System.Globalization;
using CsNotebook.Cli;
using CsNotebook.Engine;
using CsNotebook.Jupyter;
using Xunit;

namespace CsNotebook.Tests;

/// <summary>
/// What a user waits for, at three times the aim. Another program may have the machine for a while, so each is tried
/// three times and the best median counts; where the processors are in demand all the while, nothing is said.
/// </summary>
[Trait("speed", "seconds"), Trait("needs", "quiet")]
public sealed class SpeedTests
{
    private const int Tries = 3,
        Rounds = 5,
        Slack = 3;

    [Fact]
    public void A_kernel_is_ready_in_2_s() => Within(2000, ReadyTime.Measure);

    [Fact]
    public void The_first_cell_takes_3_s() => Within(3000, () => ReadyTime.MeasureFirstCell(TimeSpan.Zero));

    [Fact]
    public async Task A_trivial_cell_takes_150_ms()
    {
        using var session = new CSharpSession();
        await Waits.TrivialCell(session, TestContext.Current.CancellationToken);
        Within(150, () => Waits.TrivialCell(session, TestContext.Current.CancellationToken).GetAwaiter().GetResult());
    }

    [Fact]
    public async Task A_completion_after_200_cells_takes_300_ms()
    {
        using var session = new CSharpSession();
        await Waits.Fill(session, TestContext.Current.CancellationToken);
        Waits.Completion(session);
        Within(300, () => Waits.Completion(session));
    }

    private static void Within(double aim, Func<TimeSpan> measure)
    {
        double best = double.PositiveInfinity;
        for (int i = 0; i < Tries && best > Slack * aim; i++)
        {
            double median = Waits.Median([
                .. Enumerable.Range(0, Rounds).Select(_ => measure().TotalMilliseconds).Order(),
            ]);
            TestContext.Current.TestOutputHelper?.WriteLine($"{median:0} ms; the aim is {aim:0} ms");
            best = Math.Min(best, median);
        }
        Assert.SkipWhen(
            best > Slack * aim && Load() > 2 * Environment.ProcessorCount,
            $"The best median of {Tries} tries is {best:0} ms, but the machine's load is {Load()} "
                + $"on {Environment.ProcessorCount} processors."
        );
        Assert.True(
            best <= Slack * aim,
            $"The best median of {Tries} tries is {best:0} ms; the aim is {aim:0} ms, and {Slack * aim:0} ms fails."
        );
    }

    /// <summary>How many threads have wanted a processor over the last minute; 0 where nobody says.</summary>
    private static double Load() =>
        File.Exists("/proc/loadavg")
            ? double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture)
            : 0;
}
