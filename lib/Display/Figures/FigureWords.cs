using PatchKit.Display.Formatting;

namespace PatchKit.Display.Figures;

/// <summary>Says a figure in words, for those who cannot see it.</summary>
internal static class FigureWords
{
    internal static string Describe(Figure figure) =>
        string.Join(
            ' ',
            figure
                .Panels.Select(Describe)
                .Prepend(figure.Subtitle)
                .Append(figure.Caption)
                .Where(text => text.Length > 0)
        );

    private static string Describe(Panel panel)
    {
        string start = panel.Title.Length > 0 ? panel.Title + ": " : "";
        var marks = panel.Marks.Select(mark => Describe(mark, panel)).Where(words => words.Length > 0).ToArray();
        return $"{start}{panel.Y} against {panel.X}. "
            + $"{(marks.Length == 0 ? "No values." : string.Join("; ", marks) + ".")}";
    }

    private static string Describe(Mark mark, Panel panel) =>
        mark switch
        {
            Series { Line: true, Points: false } curve => $"{curve.Name}: {Span("a line", curve.Y)}",
            Series series => $"{series.Name}: {Span($"{series.Y.Count(double.IsFinite)} points", series.Y)}",
            Bars bars => $"{bars.Name}: {Heights(bars, panel)}",
            Band band => $"{band.Name}: an area",
            HeatMap map =>
                $"a map of {map.Quantity}, {map.Rows} by {map.Columns}, {Span("", map.Values.Cast<double>())}",
            Note note => note.Text,
            Rule rule => rule.Text,
            _ => "",
        };

    private static string Heights(Bars bars, Panel panel) =>
        string.Join(", ", bars.Values.Select((value, i) => $"{panel.X.Categories![i]} {Numbers.Short(value)}"));

    private static string Span(string what, IEnumerable<double> values)
    {
        double[] finite = [.. values.Where(double.IsFinite)];
        return finite.Length == 0
            ? "no values"
            : (
                $"{what} from {Numbers.Short(finite[0])} to {Numbers.Short(finite[^1])}, "
                + $"between {Numbers.Short(finite.Min())} and {Numbers.Short(finite.Max())}"
            ).TrimStart();
    }
}
