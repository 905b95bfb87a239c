using System.Diagnostics;
using Spectre.Console;

namespace PatchKit.Cli;

/// <summary>
/// How many images are done, how fast and for how long still, on standard error: a bar on a terminal, or else a line
/// every ten seconds.
/// </summary>
internal static class ImageProgress
{
    private const double Seconds = 10;

    /// <summary>Does some work that tells the number of images it has done.</summary>
    /// <param name="total">how many there are.</param>
    /// <param name="work">is given what to tell.</param>
    internal static T Show<T>(long total, Func<Action<long>, T> work)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        var clock = Stopwatch.StartNew();
        double next = Seconds;
        if (!console.Profile.Out.IsTerminal)
            return work(Line);
        return console
            .Progress()
            .Columns(new ProgressBarColumn(), new TaskDescriptionColumn())
            .Start(context =>
            {
                var task = context.AddTask($"{total:N0} images", maxValue: total);
                return work(done =>
                {
                    task.Value = done;
                    task.Description = Text(done);
                });
            });

        void Line(long done)
        {
            if (clock.Elapsed.TotalSeconds < next)
                return;
            next = clock.Elapsed.TotalSeconds + Seconds;
            Console.Error.WriteLine(Text(done));
        }

        string Text(long done)
        {
            double rate = done / clock.Elapsed.TotalSeconds;
            return $"{done:N0} of {total:N0} images, {Rate(rate)}, "
                + $"about {Words(TimeSpan.FromSeconds((total - done) / rate))} left";
        }
    }

    /// <summary>"812.3 images/s", or "12.5 s an image".</summary>
    internal static string Rate(double imagesPerSecond) =>
        imagesPerSecond >= 1 ? $"{imagesPerSecond:N1} images/s" : $"{1 / imagesPerSecond:N1} s an image";

    private static string Words(TimeSpan time) =>
        time.TotalHours >= 1 ? $"{time.TotalHours:N1} h"
        : time.TotalMinutes >= 1 ? $"{time.TotalMinutes:N1} min"
        : $"{time.TotalSeconds:N0} s";
}
