using PatchKit.Display.Formatting;

namespace PatchKit.Display.Figures;

/// <summary>A panel with its axes fitted to a size.</summary>
internal sealed class PanelPlan
{
    internal PanelPlan(Panel panel, double width, double height, double spacingX = 58, double spacingY = 36)
    {
        Panel = panel;
        bool tight = panel.Marks.Any(mark => mark is HeatMap);
        var reach = panel.Marks.SelectMany(mark => mark.Reach).ToArray();
        X = new AxisScale(panel.X, reach.Select(point => point.X), tight, width, spacingX);
        Y = new AxisScale(panel.Y, reach.Select(point => point.Y), tight, height, spacingY);
    }

    internal Panel Panel { get; }

    internal AxisScale X { get; }

    internal AxisScale Y { get; }

    /// <summary>Whether there is nothing to draw.</summary>
    internal bool IsEmpty => X.IsEmpty || Y.IsEmpty;

    internal int BarCount => Panel.Marks.Count(mark => mark is Bars);

    /// <summary>Where a category's bar of one mark among several stands, in categories.</summary>
    internal (double Left, double Right) Bar(Bars mark, int category)
    {
        int index = Panel.Marks.OfType<Bars>().TakeWhile(other => !ReferenceEquals(other, mark)).Count();
        double width = Math.Min(0.8, 0.3 * BarCount + 0.2) / BarCount;
        double left = category + width * (index - BarCount / 2.0);
        return (left + 0.02 * width, left + 0.98 * width);
    }

    /// <summary>What must be said about the values that are not to be seen; null where all are.</summary>
    internal string? Missing
    {
        get
        {
            var points = Panel.Marks.OfType<Series>().SelectMany(series => series.X.Zip(series.Y)).ToArray();
            var bars = Panel.Marks.OfType<Bars>().SelectMany(mark => mark.Values).ToArray();
            int refused =
                points.Count(point => X.Refuses(point.First) || Y.Refuses(point.Second)) + bars.Count(Y.Refuses);
            int beyond = points.Count(point => Outside(X, point.First) || Outside(Y, point.Second));
            string where = Panel.Title.Length == 0 ? "" : $" ({Panel.Title})";
            string[] sentences =
            [
                .. refused == 0
                    ? Array.Empty<string>()
                    : [$"{Count(refused, "has", "have")} no place on a logarithmic axis{where}."],
                .. bars.Length > 0 && !Y.Axis.IsLog && Y.Ends.Low > 0
                    ? [$"The bars begin at {Numbers.Short(Y.Ends.Low)}, not at 0{where}."]
                    : Array.Empty<string>(),
                .. beyond == 0 ? Array.Empty<string>() : [$"{Count(beyond, "lies", "lie")} outside the axes{where}."],
            ];
            return sentences.Length == 0 ? null : string.Join(' ', sentences);

            static string Count(int n, string one, string many) => n == 1 ? $"1 value {one}" : $"{n} values {many}";
            static bool Outside(AxisScale scale, double value) =>
                double.IsFinite(scale.At(value)) && !scale.Holds(value);
        }
    }
}
