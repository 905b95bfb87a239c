using PatchKit.Display.Formatting;

namespace PatchKit.Display.Figures;

/// <summary>Draws the marks of a panel, but for heat maps.</summary>
/// <param name="pen">draws.</param>
/// <param name="styles">what each mark looks like.</param>
internal sealed class MarkSvg(SvgPen pen, MarkStyles styles)
{
    private const int MostTips = 400;

    /// <summary>A band between two lines.</summary>
    internal void Draw(PanelLayout cell, Band mark)
    {
        var style = styles.Of(mark);
        foreach (
            var run in SvgPen.Runs(
                mark.X.Count,
                i => SvgPen.Finite(cell.ToX(mark.X[i]), cell.ToY(mark.Low[i]), cell.ToY(mark.High[i]))
            )
        )
        {
            pen.Svg.Raw("<path d='");
            string letter = "M";
            foreach (int i in run)
                Next(mark.X[i], mark.High[i]);
            foreach (int i in run.Reverse())
                Next(mark.X[i], mark.Low[i]);
            pen.Svg.Raw("Z' ").Raw(SvgPen.Area(style, true)).Raw("/>");

            void Next(double x, double y)
            {
                pen.Svg.Add($"{letter}{cell.InX(cell.ToX(x))} {cell.InY(cell.ToY(y))}");
                letter = "L";
            }
        }
    }

    /// <summary>Bars with their error bars.</summary>
    internal void Draw(PanelLayout cell, Bars mark)
    {
        var style = styles.Of(mark);
        double start = cell.PlotY + cell.PlotHeight * (1 - cell.Plan.Y.Base);
        for (int i = 0; i < mark.Values.Count; i++)
        {
            double end = cell.InY(cell.ToY(mark.Values[i]));
            if (!double.IsFinite(end))
                continue;
            var (left, right) = cell.Plan.Bar(mark, i);
            double x = Math.Min(cell.ToX(left), cell.ToX(right)),
                width = Math.Abs(cell.ToX(right) - cell.ToX(left));
            pen.Svg.Add($"<rect x='{x}' y='{Math.Min(start, end)}' width='{width}' height='{Math.Abs(end - start)}' ")
                .Raw(SvgPen.Area(style, false))
                .Add(
                    $"><title>{mark.Name}: {PanelLayout.NameOf(cell.Panel.X, i)}, "
                        + $"{Numbers.Short(mark.Values[i])}</title></rect>"
                );
            ErrorBar(cell, x + width / 2, mark.Values[i], mark.ErrorAt(i), Markup.InkStroke);
        }
    }

    /// <summary>A straight line across the panel.</summary>
    internal void Draw(PanelLayout cell, Rule mark)
    {
        double at = mark.Vertical ? cell.ToX(mark.Value) : cell.ToY(mark.Value);
        if (!double.IsFinite(at) || !(mark.Vertical ? cell.Plan.X : cell.Plan.Y).Holds(mark.Value))
            return;
        if (mark.Vertical)
            pen.Svg.Add($"<path d='M{at} {cell.PlotY}v{cell.PlotHeight}'");
        else
            pen.Svg.Add($"<path d='M{cell.PlotX} {at}h{cell.PlotWidth}'");
        pen.Svg.Raw(" stroke-dasharray='2 4' stroke-width='1.25' stroke-opacity='0.7' ")
            .Raw(Markup.InkStroke)
            .Raw("/>");
    }

    /// <summary>The line of a series, cut off at the edges of the panel.</summary>
    internal void Line(PanelLayout cell, Series mark)
    {
        var style = styles.Of(mark);
        var kept = cell.Visible(mark);
        (double X, double Y)[] at = [.. kept.Select(i => (cell.ToX(mark.X[i]), cell.ToY(mark.Y[i])))];
        bool leaves = at.Any(point =>
            SvgPen.Finite(point.X, point.Y) && (cell.InX(point.X) != point.X || cell.InY(point.Y) != point.Y)
        );
        pen.Svg.Raw("<path d='");
        bool down = false;
        for (int i = 0; i < at.Length; i++)
        {
            bool drawn = SvgPen.Finite(at[i].X, at[i].Y);
            if (drawn && !leaves)
                pen.Svg.Add($"{(down ? "L" : "M")}{at[i].X} {at[i].Y}");
            else if (drawn && down && cell.Cut(at[i - 1], at[i]) is { } part)
                pen.Svg.Add($"M{part.X1} {part.Y1}L{part.X2} {part.Y2}");
            down = drawn;
        }
        pen.Svg.Raw("' ").Raw(SvgPen.Stroke(style)).Raw("/>");
        foreach (
            int i in mark.Points
                ? []
                : cell.Alone(mark, kept).Where(i => cell.Plan.X.Holds(mark.X[i]) && cell.Plan.Y.Holds(mark.Y[i]))
        )
            pen.Svg.Add($"<circle cx='{cell.ToX(mark.X[i])}' cy='{cell.ToY(mark.Y[i])}' r='2.5' ")
                .Raw(style.Colour is { } colour ? $"fill='{colour}'" : Markup.InkFill)
                .Raw("/>");
    }

    /// <summary>The points of a series with their error bars.</summary>
    internal void Points(PanelLayout cell, Series mark)
    {
        var style = styles.Of(mark);
        for (int i = 0; i < mark.X.Count; i++)
        {
            double x = cell.ToX(mark.X[i]),
                y = cell.ToY(mark.Y[i]);
            if (!SvgPen.Finite(x, y) || !cell.Plan.X.Holds(mark.X[i]) || !cell.Plan.Y.Holds(mark.Y[i]))
                continue;
            double error = mark.ErrorAt(i);
            ErrorBar(cell, x, mark.Y[i], error, style.Colour is { } colour ? $"stroke='{colour}'" : Markup.InkStroke);
            pen.Point(
                style,
                x,
                y,
                mark.X.Count > MostTips
                    ? null
                    : $"{mark.Name}: {PanelLayout.NameOf(cell.Panel.X, mark.X[i])}, {Numbers.Short(mark.Y[i])}"
                        + $"{(error > 0 ? $" ± {Numbers.Short(error)}" : "")}"
            );
        }
    }

    private void ErrorBar(PanelLayout cell, double x, double y, double error, string stroke)
    {
        if (error <= 0)
            return;
        double high = cell.InY(cell.ToY(y + error)),
            low = cell.ToY(y - error);
        if (double.IsNaN(low))
            low = cell.PlotY + cell.PlotHeight * (1 - cell.Plan.Y.Base);
        low = cell.InY(low);
        if (SvgPen.Finite(high, low))
            pen.Svg.Add(
                    $"<path d='M{x - 4} {high}h8M{x} {high}V{low}M{x - 4} {low}h8' fill='none' stroke-width='1.25' "
                )
                .Raw(stroke)
                .Raw("/>");
    }
}
