using PatchKit.Display.Formatting;

namespace PatchKit.Display.Figures;

/// <summary>Writes what figures are drawn with: texts, points, and the looks of lines and areas.</summary>
internal sealed class SvgPen
{
    /// <summary>What was written.</summary>
    internal Markup Svg { get; } = new();

    /// <summary>Writes a text; nothing where it is empty.</summary>
    internal void Text(
        double x,
        double y,
        string text,
        double size,
        string anchor = "start",
        double opacity = 1,
        int weight = 400
    )
    {
        if (text.Length == 0)
            return;
        Svg.Add($"<text x='{x}' y='{y}' font-size='{size}'");
        if (anchor != "start")
            Svg.Add($" text-anchor='{anchor}'");
        if (opacity < 1)
            Svg.Add($" fill-opacity='{opacity}'");
        if (weight != 400)
            Svg.Add($" font-weight='{weight}'");
        Svg.Add($">{text}</text>");
    }

    /// <summary>Draws a point.</summary>
    /// <param name="style">its shape and colour.</param>
    /// <param name="x">its middle.</param>
    /// <param name="y">its middle.</param>
    /// <param name="words">shown where a mouse rests on it; null for nothing.</param>
    internal void Point(MarkStyle style, double x, double y, string? words)
    {
        string outline = style.Colour is { } colour ? $"stroke='{colour}'" : Markup.InkStroke,
            body = style.Colour is { } fill ? $"fill='{fill}'" : Markup.InkFill;
        string look = style switch
        {
            { Hollow: true } => $"fill='none' stroke-width='1.8' {outline}",
            { Shape: Shape.Cross } => $"fill='none' stroke-width='1.8' {outline}",
            _ => body,
        };
        _ = style.Shape switch
        {
            Shape.Circle => Svg.Add($"<circle cx='{x}' cy='{y}' r='4.2' "),
            Shape.Square => Svg.Add($"<rect x='{x - 5}' y='{y - 5}' width='10' height='10' "),
            Shape.Diamond => Svg.Add($"<path d='M{x} {y - 6.6}l6.6 6.6l-6.6 6.6l-6.6 -6.6z' "),
            _ => Svg.Add($"<path d='M{x - 4} {y - 4}l8 8m0 -8l-8 8' "),
        };
        string name = style.Shape switch
        {
            Shape.Circle => "circle",
            Shape.Square => "rect",
            _ => "path",
        };
        Svg.Raw(look);
        if (words is null)
            Svg.Raw("/>");
        else
            Svg.Add($"><title>{words}</title></").Raw(name).Raw(">");
    }

    /// <summary>The look of a line.</summary>
    internal static string Stroke(MarkStyle style) =>
        $"fill='none' stroke-width='{(style.LineWidth == 2 ? "2" : "1.5")}' stroke-linejoin='round' "
        + $"stroke-linecap='{(style.Dash is null ? "round" : "butt")}' "
        + (style.Dash is null ? "" : $"stroke-dasharray='{style.Dash}' ")
        + (style.Colour is { } colour ? $"stroke='{colour}'" : Markup.InkStroke);

    /// <summary>The look of an area.</summary>
    internal static string Area(MarkStyle style, bool band)
    {
        string fill = style.Colour is { } colour ? $"fill='{colour}'" : Markup.InkFill,
            both = style.Colour is { } line ? $"fill='{line}' stroke='{line}'" : Markup.InkArea;
        return band ? $"fill-opacity='0.16' {fill}"
            : style.Hollow ? $"fill-opacity='0.12' stroke-width='1.6' stroke-dasharray='4 2' {both}"
            : fill;
    }

    /// <summary>Whether there is a place to draw at.</summary>
    internal static bool Finite(params ReadOnlySpan<double> values)
    {
        foreach (double value in values)
            if (!double.IsFinite(value))
                return false;
        return true;
    }

    /// <summary>Stretches of indices that can all be drawn.</summary>
    internal static IEnumerable<int[]> Runs(int count, Func<int, bool> drawn)
    {
        for (int first = 0; first < count; first++)
        {
            int end = first;
            while (end < count && drawn(end))
                end++;
            if (end > first)
                yield return [.. Enumerable.Range(first, end - first)];
            first = end;
        }
    }
}
