using System.Globalization;
using PatchKit.Experiments;
using PatchKit.Training.Loop;
using PatchKit.Training.Runs;

namespace PatchKit.Cli;

/// <summary>
/// Progress on standard error: one line that is rewritten on a terminal, a line every ten seconds elsewhere.
/// </summary>
internal sealed class ProgressLines : IDisposable
{
    private const long EveryMilliseconds = 10_000;
    private readonly bool _quiet,
        _terminal = !Console.IsErrorRedirected;
    private long _next;
    private int _shown;

    internal ProgressLines(bool quiet) => (_quiet, _next) = (quiet, Environment.TickCount64 + EveryMilliseconds);

    internal void Show(ExperimentProgress at) =>
        Show(
            at.Training,
            string.Create(
                CultureInfo.InvariantCulture,
                $"run {at.Index}/{at.Count}, {at.Run.Family} p={at.Run.Model.PatchSize} seed {at.Run.Seed}"
            ),
            at.Remaining
        );

    /// <summary>Where a run stands.</summary>
    internal void Show(TrainingProgress at, string name, TimeSpan? remaining)
    {
        string left = remaining is { } time ? $", about {Clock(time)} left" : "";
        string line = string.Create(
            CultureInfo.InvariantCulture,
            $"{name}: step {at.Step}/{at.Steps}, "
                + $"loss {at.Loss:0.000}, "
                + $"{TrainingSpeed.Line(at.ImagesPerSecond, at.DataWait, at.PeakBytes, at.Mfu)}{left}"
        );
        if (_quiet)
            return;
        if (_terminal)
        {
            Write("\r" + line.PadRight(_shown));
            _shown = line.Length;
        }
        else if (Environment.TickCount64 >= _next)
        {
            Write(line + Environment.NewLine);
            _next = Environment.TickCount64 + EveryMilliseconds;
        }
    }

    internal void Finished(RunResult result, bool cached)
    {
        if (result.LeftOut > 0 && !_quiet)
            Say($"note: {result.LeftOut:N0} samples that cannot be read were left out of {result.Config}");
        if (cached)
            return;
        Say(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{result.Config}: test loss {result.Test.Loss:0.000}, {result.Headline}, {result.Seconds:0.0} s"
            )
        );
    }

    internal void Say(string line)
    {
        if (_quiet)
            return;
        Dispose();
        Write(line + Environment.NewLine);
    }

    /// <summary>Clears the line.</summary>
    public void Dispose()
    {
        if (_terminal && _shown > 0)
            Write("\r" + new string(' ', _shown) + "\r");
        _shown = 0;
    }

    // A terminal that was closed refuses what is written to it, before its signal comes: no reason for training to
    // fail.
    private static void Write(string text)
    {
        try
        {
            Console.Error.Write(text);
        }
        catch (IOException)
        {
            Console.SetError(TextWriter.Null);
        }
    }

    private static string Clock(TimeSpan time) =>
        time.TotalHours >= 1 ? $"{(int)time.TotalHours} h {time.Minutes} min"
        : time.TotalMinutes >= 1 ? $"{(int)time.TotalMinutes} min {time.Seconds} s"
        : $"{time.Seconds} s";
}
