using System.Xml.Linq;
using PatchKit.Display.Progress;
using Xunit;

namespace PatchKit.Tests.Display.Progress;

/// <summary>
/// Progress: at most ten times a second, a rate and an estimate that are right, a loss course of bounded length, the
/// last state left in place.
/// </summary>
public sealed class ProgressTests
{
    [Fact]
    public void AViewIsShownAtMostTenTimesASecondAndItsLastStateStays()
    {
        var clock = new Clock();
        var shown = new List<ProgressView>();
        using (var progress = new ProgressReporter("run", 1000, view => shown.Add((ProgressView)view), time: clock))
            for (int step = 1; step <= 1000; step++)
            {
                clock.Advance(0.004);
                progress.Report(step, 1.0 / step);
            }
        Assert.InRange(shown.Count, 35, 43);
        Assert.Equal((0, 1000, true), (shown[0].Done, shown[^1].Done, shown[^1].IsOver));
        Assert.Equal(250, shown[^1].Rate!.Value, 0.1);
        Assert.Equal(0.001, shown[^1].Loss);
        Assert.Null(shown[^1].Remaining);
        Assert.All(shown, view => Assert.True(view.Losses.Count <= 120));
    }

    [Fact]
    public void TheEstimateFollowsTheRate()
    {
        var clock = new Clock();
        using var progress = new ProgressReporter("run", 600, _ => { }, time: clock);
        for (int step = 1; step <= 300; step++)
        {
            clock.Advance(0.1);
            progress.Report(step);
        }
        Assert.Equal(10, progress.View.Rate!.Value, 1e-6);
        Assert.Equal(30, progress.View.Remaining!.Value.TotalSeconds, 1e-4);
        progress.Report(301, rate: 5, remaining: TimeSpan.FromMinutes(2));
        Assert.Equal((5, 120), (progress.View.Rate!.Value, progress.View.Remaining!.Value.TotalSeconds));
    }

    [Fact]
    public void WhatACheckpointRestoredIsNotCountedAsDone()
    {
        var clock = new Clock();
        ProgressView? last = null;
        using (var progress = new ProgressReporter("run", 600, view => last = (ProgressView)view, time: clock))
            for (int step = 500; step <= 550; step += 5)
            {
                clock.Advance(1);
                progress.Report(step); // 500 are there at once, then 5 a second
                if (step == 520)
                    Assert.Equal((5, 16), (progress.View.Rate!.Value, progress.View.Remaining!.Value.TotalSeconds));
            }
        Assert.Equal(5, last!.Rate!.Value, 1e-9);
    }

    [Fact]
    public void ALineIsOneLineAndSaysWhenItWasSo()
    {
        var clock = new Clock();
        var shown = new List<ProgressView>();
        using (
            var progress = new ProgressReporter(
                "a run with a long name",
                600,
                view => shown.Add((ProgressView)view),
                time: clock
            )
        )
        {
            clock.Advance(1);
            progress.Report(10, 1);
            Assert.Matches(@"at \d\d:\d\d:\d\d", shown[^1].ToString());
        }
        Assert.DoesNotMatch(@"at \d\d:", shown[^1].ToString());
        Assert.All(shown, view => Assert.Contains("height:24px;white-space:nowrap;overflow:hidden", view.ToHtml()));
    }

    [Fact]
    public void TheCourseKeepsItsShape()
    {
        var clock = new Clock();
        ProgressView? last = null;
        using (var progress = new ProgressReporter("run", 0, view => last = (ProgressView)view, time: clock))
            for (int step = 0; step < 100_000; step++)
                progress.Report(
                    step,
                    step < 50_000 ? 2
                        : step == 70_000 ? double.NaN
                        : 1
                );
        Assert.InRange(last!.Losses.Count, 50, 120);
        Assert.Equal((2, 1), (last.Losses[0], last.Losses[^1]));
        Assert.Equal(last.Losses.Count / 2.0, last.Losses.Count(loss => loss > 1.5), 1.5);
        Assert.Matches("^█{7,8}.{0,2}▁{7,8}$", ProgressView.Sparkline(last.Losses));
    }

    [Fact]
    public void TheLineSaysItAll()
    {
        var view = new ProgressView("ViT, 8 px", 270, 600)
        {
            Rate = 31.24,
            Remaining = TimeSpan.FromSeconds(11),
            Loss = 1.2341,
            Losses = [3, 2, 1],
        };
        Assert.Equal(
            "ViT, 8 px  ━━━━━━━━━━╌╌╌╌╌╌╌╌╌╌╌╌╌╌  45%  270/600 steps  31.2 steps/s, about 11 s left  loss 1.234 █▅▁",
            view.ToString()
        );
        Assert.Equal(view.ToString(), Samples.Elsewhere(view.ToString));
        var html = Html(view);
        Assert.Contains("about 11 s left", html.Value);
        Assert.Contains("width:45%", html.Descendants("div").Last().Attribute("style")!.Value);
        Assert.Contains(
            "stopped after 1 h 5 min",
            (view with { IsOver = true, Elapsed = TimeSpan.FromMinutes(65) }).ToString()
        );
        Assert.Equal("run  5 steps  2 s each", new ProgressView("run", 5, 0) { Rate = 0.5 }.ToString());
        Assert.NotEmpty(Html(new ProgressView("<run>", 0, 0) { Loss = double.NaN, Losses = [double.NaN] }).Value);
    }

    [Fact]
    public void ATerminalsLineIsRewrittenAndAFileGetsALineEveryTenSeconds()
    {
        var terminal = new StringWriter();
        using (var line = new TerminalLine(terminal, rewrites: true))
            foreach (string text in new[] { "longer", "short" })
                line.Show(text);
        Assert.Equal($"\rlonger\rshort {Environment.NewLine}", terminal.ToString());
        var (file, clock) = (new StringWriter(), new Clock());
        using (var line = new TerminalLine(file, rewrites: false, clock))
            for (int second = 0; second < 25; second++)
            {
                line.Show(second);
                clock.Advance(1);
            }
        Assert.Equal(["10", "20"], file.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries));
    }

    // HTML's img has no end; XML's has.
    private static XElement Html(ProgressView view) =>
        XElement.Parse(System.Text.RegularExpressions.Regex.Replace(view.ToHtml(), "(<img[^>]*)>", "$1/>"));

    private sealed class Clock : TimeProvider
    {
        private long _ticks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _ticks;

        internal void Advance(double seconds) => _ticks += (long)Math.Round(seconds * TimeSpan.TicksPerSecond);
    }
}
