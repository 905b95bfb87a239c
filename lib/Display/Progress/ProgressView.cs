using System.Globalization;
using System.Text;
using PatchKit.Display.Formatting;

namespace PatchKit.Display.Progress;

/// <summary>Where a run stands, as one line: how far, how fast, how long still, the loss and its course.</summary>
/// <param name="Name">the run.</param>
/// <param name="Done">what is done, in units.</param>
/// <param name="Total">what there is to do; 0 where nobody knows.</param>
[TypeFormatterSource(typeof(FormatterSource<ProgressView>), PreferredMimeTypes = [Mime.Html, Mime.Text])]
public sealed record ProgressView(string Name, long Done, long Total) : IRendered
{
    private const string Blocks = "▁▂▃▄▅▆▇█";
    private const int BarLength = 24,
        SparkLength = 16,
        SparkWidth = 110,
        SparkHeight = 22;

    /// <summary>What is counted.</summary>
    public string Unit { get; init; } = "steps";

    /// <summary>Time since the start.</summary>
    public TimeSpan Elapsed { get; init; }

    /// <summary>Units a second; null before it is known.</summary>
    public double? Rate { get; init; }

    /// <summary>An estimate of the time that is left; null before there is one.</summary>
    public TimeSpan? Remaining { get; init; }

    /// <summary>The latest loss; null for none.</summary>
    public double? Loss { get; init; }

    /// <summary>The loss's course, oldest first.</summary>
    public IReadOnlyList<double> Losses { get; init; } = [];

    /// <summary>
    /// When this was so, shown while it runs: a page that was reloaded shows what was last sent to it, and no more.
    /// Null to show none.
    /// </summary>
    public DateTimeOffset? AsOf { get; init; }

    /// <summary>Whether nothing more will come: the run has ended, or was stopped.</summary>
    public bool IsOver { get; init; }

    /// <summary>The part that is done, from 0 to 1; 0 where the total is unknown.</summary>
    public double Part => Total > 0 ? Math.Clamp((double)Done / Total, 0, 1) : 0;

    /// <summary>The line in HTML: words above a thin bar, and the loss's course beside them.</summary>
    public string ToHtml()
    {
        string colour =
            IsOver && Done < Total ? Palette.Orange
            : IsOver ? Palette.Green
            : Palette.Blue;
        var html = new Markup()
            .Raw("<div style='max-width:720px;font-size:13px;font-variant-numeric:tabular-nums'>")
            // One line of one height, whatever it says: a line that wraps would move the page below it.
            .Raw(
                "<div style='display:flex;align-items:flex-end;gap:14px;height:24px;"
                    + "white-space:nowrap;overflow:hidden'>"
            )
            .Add($"<strong style='overflow:hidden;text-overflow:ellipsis'>{Name}</strong><span>{Count()}</span>")
            .Add(
                $"<span style='flex:1 1 0;min-width:0;overflow:hidden;text-overflow:ellipsis;opacity:0.75' "
                    + $"title='{Time()}'>{Time()}</span>"
            );
        if (Loss is { } loss)
            html.Add($"<span>loss <strong>{Numbers.Format(loss, "0.000")}</strong></span>");
        double[] course = [.. Losses.Where(double.IsFinite)];
        if (course.Length > 1)
        {
            double low = course.Min(),
                high = course.Max();
            var spark = new Markup()
                .Add($"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {SparkWidth} {SparkHeight}'>")
                .Add(
                    $"<polyline fill='none' stroke='{Palette.Vermillion}' stroke-width='1.5' "
                        + $"stroke-linejoin='round' points='"
                );
            for (int i = 0; i < course.Length; i++)
            {
                double down = high > low ? (high - course[i]) / (high - low) : 0.5;
                spark.Add($"{2 + (SparkWidth - 4) * (double)i / (course.Length - 1)},{2 + (SparkHeight - 4) * down} ");
            }
            string image = Convert.ToBase64String(Encoding.UTF8.GetBytes(spark.Raw("'/></svg>").ToString()));
            html.Add(
                $"<img width='{SparkWidth}' height='{SparkHeight}' alt='loss "
                    + $"from {Numbers.Short(course[0])} to {Numbers.Short(course[^1])}' "
                    + $"src='data:image/svg+xml;base64,{image}'>"
            );
        }
        return html.Raw(
                "</div><div style='height:5px;margin-top:3px;border-radius:2.5px;background:rgba(128,128,128,0.25)'>"
            )
            .Add(
                $"<div style='height:5px;border-radius:2.5px;width:{100 * Part}%;background:"
                    + $"{colour}'></div></div></div>"
            )
            .ToString();
    }

    /// <summary>The course of some losses in so many characters at most, "█▆▄▂▁".</summary>
    public static string Sparkline(IReadOnlyList<double> losses, int length = SparkLength)
    {
        double[] course = [.. losses.Where(double.IsFinite)];
        if (course.Length == 0)
            return "";
        int count = Math.Min(length, course.Length);
        double[] means =
        [
            .. Enumerable
                .Range(0, count)
                .Select(i => course[(i * course.Length / count)..((i + 1) * course.Length / count)].Average()),
        ];
        double low = means.Min(),
            high = means.Max();
        return string.Concat(
            means.Select(mean =>
                Blocks[high > low ? (int)Math.Round((Blocks.Length - 1) * (mean - low) / (high - low)) : 0]
            )
        );
    }

    /// <inheritdoc/>
    public string Render(string mimeType) =>
        mimeType switch
        {
            Mime.Html => ToHtml(),
            Mime.Text => ToString(),
            _ => throw Mime.Unknown(this, mimeType),
        };

    /// <summary>
    /// The line as text: "ViT p=8 ━━━━━━╌╌╌╌ 45% 270/600 steps 31.2 steps/s, 11 s left loss 1.234 █▆▄▂▁".
    /// </summary>
    public override string ToString()
    {
        int full = (int)Math.Floor(BarLength * Part);
        string bar = Total > 0 ? $"{new string('━', full)}{new string('╌', BarLength - full)}" : "",
            spark = Sparkline(Losses);
        string loss = Loss is { } value
            ? $"loss {Numbers.Format(value, "0.000")}{(spark.Length > 1 ? " " + spark : "")}"
            : "";
        return string.Join("  ", new[] { Name, bar, Count(), Time(), loss }.Where(part => part.Length > 0));
    }

    private string Count() =>
        Total <= 0
            ? $"{Numbers.Format(Done, "#,0")} {Unit}"
            : $"{Numbers.Format(Math.Floor(100 * Part), "0")}% "
                + $" {Numbers.Format(Done, "#,0")}/{Numbers.Format(Total, "#,0")} {Unit}";

    private string Time()
    {
        string rate =
            Rate is not { } perSecond || !(perSecond > 0) ? ""
            : perSecond >= 1 ? $"{Numbers.Short(Math.Round(perSecond, 1))} {Unit}/s"
            : $"{Numbers.Short(Math.Round(1 / perSecond, 1))} s each";
        string time =
            IsOver ? $"{(Done < Total ? "stopped after " : "")}{Words(Elapsed)}"
            : Remaining is { } left ? $"about {Words(left)} left"
            : "";
        string now = AsOf is { } then && !IsOver ? then.ToString("'at' HH:mm:ss", CultureInfo.InvariantCulture) : "";
        return string.Join(", ", new[] { rate, time, now }.Where(part => part.Length > 0));
    }

    /// <summary>"2 h 5 min", "3 min 20 s" or "11 s".</summary>
    internal static string Words(TimeSpan time) =>
        time.TotalHours >= 1 ? $"{(long)time.TotalHours} h {time.Minutes} min"
        : time.TotalMinutes >= 1 ? $"{(int)time.TotalMinutes} min {time.Seconds} s"
        : $"{Numbers.Format(time.TotalSeconds, time.TotalSeconds < 10 ? "0.0" : "0")} s";
}
