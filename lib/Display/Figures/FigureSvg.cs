using PatchKit.Display.Formatting;
using PatchKit.Display.Pictures;

namespace PatchKit.Display.Figures;

/// <summary>
/// Draws a figure as SVG: no script, no style sheet, no font and no identifier, so that it looks the same wherever it
/// is put. As the image that an img element names it is alone, and so it may have a style sheet: its colours follow the
/// page's light or dark scheme, and it is half as long.
/// </summary>
internal sealed class FigureSvg
{
    private const double TextSize = FigureLayout.TextSize,
        LabelSize = FigureLayout.LabelSize,
        SmallSize = FigureLayout.SmallSize,
        TickGap = 7;
    private const int MostTips = 400;

    private readonly Figure _figure;
    private readonly FigureLayout _layout;
    private readonly MarkStyles _styles;
    private readonly Markup _svg = new();

    private readonly bool _alone;

    internal FigureSvg(Figure figure, bool alone = false) =>
        (_figure, _layout, _styles, _alone) = (figure, new FigureLayout(figure), new MarkStyles(figure), alone);

    internal string Render()
    {
        _svg.Add(
                $"<svg xmlns='http://www.w3.org/2000/svg' width='{_figure.Width}' height='{_layout.Height}' "
                    + $"viewBox='0 0 {_figure.Width} {_layout.Height}' role='img'"
            )
            .Add(
                $" aria-label='{_figure.Title}' font-family='{Markup.Font}' "
                    + $"font-size='{TextSize}'><title>{_figure.Title}</title><desc>"
                    + $"{FigureWords.Describe(_figure)}</desc>"
            )
            .Add($"<rect width='{_figure.Width}' height='{_layout.Height}' rx='6' ")
            .Raw(Markup.PaperFill)
            .Raw("/><g ")
            .Raw(Markup.InkFill)
            .Raw(">");
        foreach (var (y, text) in _layout.Title)
            Text(FigureLayout.Pad, y, text, FigureLayout.TitleSize, weight: 600);
        foreach (var (y, text) in _layout.Subtitle)
            Text(FigureLayout.Pad, y, text, FigureLayout.SubtitleSize, opacity: 0.75);
        foreach (var (x, y, mark, name) in _layout.Legend)
        {
            Sample(mark, x, y - 4);
            Text(x + FigureLayout.LegendText, y, name, TextSize);
        }
        foreach (var panel in _layout.Panels)
            Draw(panel);
        foreach (var (y, text) in _layout.Remarks)
            Text(FigureLayout.Pad, y, text, SmallSize, opacity: 0.7);
        _svg.Raw("</g></svg>");
        return _alone ? Markup.Alone(_svg.ToString()) : _svg.ToString();
    }

    // What a mark looks like, for the legend.
    private void Sample(Mark mark, double x, double y)
    {
        var style = _styles.Of(mark);
        if (mark is Bars or Band)
            _svg.Add($"<rect x='{x + 4}' y='{y - 6}' width='20' height='12' rx='1' ")
                .Raw(Area(style, mark is Band))
                .Raw("/>");
        if (mark is not Series series)
            return;
        if (series.Line)
            _svg.Add($"<path d='M{x} {y}h28' ").Raw(Stroke(style)).Raw("/>");
        if (series.Points)
            Point(style, x + 14, y, null);
    }

    private void Draw(PanelLayout cell)
    {
        var (panel, plan) = (cell.Panel, cell.Plan);
        for (int i = 0; i < cell.Titles.Count; i++)
            Text(cell.X, cell.Y + 13 + 16 * i, cell.Titles[i], FigureLayout.SubtitleSize, weight: 600);
        Text(
            cell.X,
            cell.PlotY - 10,
            TextWidth.Fit(panel.Y.ToString(), LabelSize, cell.Width),
            LabelSize,
            opacity: 0.75
        );
        Text(
            cell.PlotX + cell.PlotWidth / 2,
            cell.Y + cell.Height - 3,
            TextWidth.Fit(panel.X.ToString(), LabelSize, cell.Width),
            LabelSize,
            "middle",
            0.75
        );
        Axes(cell, grid: !cell.HasMap && !plan.IsEmpty);
        if (plan.IsEmpty)
        {
            Text(
                cell.PlotX + cell.PlotWidth / 2,
                cell.PlotY + cell.PlotHeight / 2,
                "nothing to show yet",
                TextSize,
                "middle",
                0.6
            );
            return;
        }
        foreach (var mark in panel.Marks.OfType<HeatMap>())
            Draw(cell, mark);
        foreach (var mark in panel.Marks.OfType<Band>())
            Draw(cell, mark);
        foreach (var mark in panel.Marks.OfType<Bars>())
            Draw(cell, mark);
        foreach (var mark in panel.Marks.OfType<Rule>())
            Draw(cell, mark);
        foreach (var mark in panel.Marks.OfType<Series>().Where(series => series.Line))
            Line(cell, mark);
        // The paper's hollow points first, so that a run's smaller filled ones show inside them.
        foreach (
            var mark in panel
                .Marks.OfType<Series>()
                .Where(series => series.Points)
                .OrderBy(series =>
                    series.Origin switch
                    {
                        Origin.Paper => 0,
                        Origin.Recorded => 1,
                        _ => 2,
                    }
                )
        )
            Points(cell, mark);
        foreach (var (_, x, y, text) in cell.Labels())
            _svg.Add(
                    $"<text x='{x}' y='{y}' font-size='{SmallSize}' stroke-width='3' "
                        + $"stroke-linejoin='round' paint-order='stroke' stroke='{Markup.Paper}' fill='{Markup.Ink}' "
                )
                .Raw($"style='stroke:{Markup.ThemePaper};fill:{Markup.ThemeInk}'")
                .Add($">{text}</text>");
    }

    private void Axes(PanelLayout cell, bool grid)
    {
        var (x, y, right, bottom) = (cell.PlotX, cell.PlotY, cell.PlotRight, cell.PlotBottom);
        if (grid)
        {
            _svg.Raw("<path d='");
            foreach (var tick in cell.Plan.Y.Ticks.Where(tick => tick.Label.Length > 0))
                _svg.Add($"M{x} {cell.ToY(tick.Value)}H{right}");
            if (cell.Panel.X.Categories is null)
                foreach (var tick in cell.Plan.X.Ticks.Where(tick => tick.Label.Length > 0))
                    _svg.Add($"M{cell.ToX(tick.Value)} {y}V{bottom}");
            _svg.Raw("' fill='none' stroke-opacity='0.13' ").Raw(Markup.InkStroke).Raw("/>");
        }
        if (!cell.HasMap)
            _svg.Add($"<path d='M{x} {bottom}H{right}' stroke-opacity='0.55' ").Raw(Markup.InkStroke).Raw("/>");
        if (cell.Plan.IsEmpty && cell.Panel.Y.Categories is null && cell.Panel.X.Categories is null)
            return;
        foreach (var tick in cell.Plan.Y.Ticks)
            if (tick.Label.Length == 0)
                _svg.Add($"<path d='M{x - 3} {cell.ToY(tick.Value)}h3' stroke-opacity='0.4' ")
                    .Raw(Markup.InkStroke)
                    .Raw("/>");
            else
                Text(
                    x - TickGap,
                    cell.ToY(tick.Value) + 4,
                    TextWidth.Fit(tick.Label, SmallSize, cell.Width * 0.35),
                    SmallSize,
                    "end",
                    0.85
                );
        foreach (var tick in cell.Plan.X.Ticks)
        {
            double at = cell.ToX(tick.Value);
            if (!cell.HasMap)
                _svg.Add($"<path d='M{at} {bottom}v{(tick.Label.Length == 0 ? 3 : 4)}' stroke-opacity='0.45' ")
                    .Raw(Markup.InkStroke)
                    .Raw("/>");
            if (tick.Label.Length == 0)
                continue;
            if (cell.Slanted)
                _svg.Add(
                        $"<text transform='translate({at + 4} {bottom + 14}) rotate(-35)' "
                            + $"font-size='{SmallSize}' text-anchor='end' fill-opacity='0.85'>"
                    )
                    .Add($"{TextWidth.Fit(tick.Label, SmallSize, 90)}</text>");
            else
                foreach (var (line, i) in cell.LabelLines(tick.Label).Select((line, i) => (line, i)))
                    Text(at, bottom + 17 + 13 * i, line, SmallSize, "middle", 0.85);
        }
    }

    private void Draw(PanelLayout cell, HeatMap mark)
    {
        var colours = mark.Colours;
        double x = Math.Min(cell.ToX(-0.5), cell.ToX(mark.Columns - 0.5)),
            y = Math.Min(cell.ToY(-0.5), cell.ToY(mark.Rows - 0.5));
        var (w, h) = cell.Cell(mark);
        double width = w * mark.Columns,
            height = h * mark.Rows;
        bool numbers = cell.HoldsNumbers(mark);
        if (mark.Values.Length > PanelLayout.MostCells)
        {
            byte[] pixels = Pixels.Coloured(
                mark.Values,
                colours,
                upward: !cell.Panel.Y.Reversed,
                leftward: cell.Panel.X.Reversed
            );
            string png = Convert.ToBase64String(Pixels.Png(pixels, mark.Columns, mark.Rows));
            _svg.Add(
                    $"<image x='{x}' y='{y}' width='{width}' height='{height}' preserveAspectRatio='none' "
                        + $"style='image-rendering:pixelated' "
                )
                .Add($"href='data:image/png;base64,{png}'/><path d='");
            for (int i = 0; i < mark.Rows; i++)
                foreach (var run in Runs(mark.Columns, j => double.IsNaN(mark.Values[i, j])))
                    _svg.Add(
                        $"M{Math.Min(cell.ToX(run[0] - 0.5), cell.ToX(run[^1] + 0.5))} "
                            + $"{cell.ToY(i) - h / 2}h{run.Length * w}v{h + 0.5}h{-run.Length * w}z"
                    );
            _svg.Raw("' ").Raw(Markup.PaperFill).Raw("/>");
        }
        else
            for (int i = 0; i < mark.Rows; i++)
            for (int j = 0; j < mark.Columns; j++)
            {
                double value = mark.Values[i, j];
                double cx = cell.ToX(j) - w / 2,
                    cy = cell.ToY(i) - h / 2;
                string words = cell.CellWords(mark, i, j);
                if (double.IsNaN(value))
                    _svg.Add(
                        $"<rect x='{cx}' y='{cy}' width='{w}' height='{h}' "
                            + $"fill-opacity='0.06'><title>{words}</title></rect>"
                    );
                else
                    _svg.Add(
                        $"<rect x='{cx}' y='{cy}' width='{w + 0.4}' height='{h + 0.4}' "
                            + $"fill='{Palette.Hex(colours.At(value))}'><title>{words}</title></rect>"
                    );
                if (!numbers || double.IsNaN(value))
                    continue;
                var (red, green, blue) = colours.At(value);
                string ink = 0.299 * red + 0.587 * green + 0.114 * blue > 140 ? "#111111" : "#ffffff";
                _svg.Add(
                        $"<text x='{cx + w / 2}' y='{cy + h / 2 + 4}' font-size='{SmallSize}' "
                            + $"text-anchor='middle' fill='{ink}'>"
                    )
                    .Add($"{mark.NumberAt(i, j)}</text>");
            }

        // The colour bar, in 32 steps.
        double barX = cell.PlotRight + 14,
            step = cell.PlotHeight / 32;
        for (int i = 0; i < 32; i++)
        {
            double value = colours.High - (i + 0.5) / 32 * (colours.High - colours.Low);
            _svg.Add(
                $"<rect x='{barX}' y='{cell.PlotY + i * step}' width='12' height='{step + 0.4}' "
                    + $"fill='{Palette.Hex(colours.At(value))}'/>"
            );
        }
        var ticks =
            colours.High > colours.Low ? Ticks.Linear(colours.Low, colours.High, cell.PlotHeight / 36) : [colours.Low];
        var labels = Numbers.Labels(ticks);
        for (int i = 0; i < ticks.Count; i++)
        {
            double t = colours.High > colours.Low ? (ticks[i] - colours.Low) / (colours.High - colours.Low) : 0.5;
            Text(barX + 17, cell.PlotY + cell.PlotHeight * (1 - t) + 4, labels[i], SmallSize, opacity: 0.85);
        }
        Text(cell.X + cell.Width, cell.PlotY - 10, mark.Quantity, LabelSize, "end", 0.75);
    }

    private void Draw(PanelLayout cell, Band mark)
    {
        var style = _styles.Of(mark);
        foreach (
            var run in Runs(
                mark.X.Count,
                i => Finite(cell.ToX(mark.X[i]), cell.ToY(mark.Low[i]), cell.ToY(mark.High[i]))
            )
        )
        {
            _svg.Raw("<path d='");
            string letter = "M";
            foreach (int i in run)
                Next(mark.X[i], mark.High[i]);
            foreach (int i in run.Reverse())
                Next(mark.X[i], mark.Low[i]);
            _svg.Raw("Z' ").Raw(Area(style, true)).Raw("/>");

            void Next(double x, double y)
            {
                _svg.Add($"{letter}{cell.InX(cell.ToX(x))} {cell.InY(cell.ToY(y))}");
                letter = "L";
            }
        }
    }

    private void Draw(PanelLayout cell, Bars mark)
    {
        var style = _styles.Of(mark);
        double start = cell.PlotY + cell.PlotHeight * (1 - cell.Plan.Y.Base);
        for (int i = 0; i < mark.Values.Count; i++)
        {
            double end = cell.InY(cell.ToY(mark.Values[i]));
            if (!double.IsFinite(end))
                continue;
            var (left, right) = cell.Plan.Bar(mark, i);
            double x = Math.Min(cell.ToX(left), cell.ToX(right)),
                width = Math.Abs(cell.ToX(right) - cell.ToX(left));
            _svg.Add($"<rect x='{x}' y='{Math.Min(start, end)}' width='{width}' height='{Math.Abs(end - start)}' ")
                .Raw(Area(style, false))
                .Add(
                    $"><title>{mark.Name}: {PanelLayout.NameOf(cell.Panel.X, i)}, "
                        + $"{Numbers.Short(mark.Values[i])}</title></rect>"
                );
            ErrorBar(cell, x + width / 2, mark.Values[i], mark.ErrorAt(i), Markup.InkStroke);
        }
    }

    private void Draw(PanelLayout cell, Rule mark)
    {
        double at = mark.Vertical ? cell.ToX(mark.Value) : cell.ToY(mark.Value);
        if (!double.IsFinite(at) || !(mark.Vertical ? cell.Plan.X : cell.Plan.Y).Holds(mark.Value))
            return;
        if (mark.Vertical)
            _svg.Add($"<path d='M{at} {cell.PlotY}v{cell.PlotHeight}'");
        else
            _svg.Add($"<path d='M{cell.PlotX} {at}h{cell.PlotWidth}'");
        _svg.Raw(" stroke-dasharray='2 4' stroke-width='1.25' stroke-opacity='0.7' ").Raw(Markup.InkStroke).Raw("/>");
    }

    private void Line(PanelLayout cell, Series mark)
    {
        var style = _styles.Of(mark);
        var kept = cell.Visible(mark);
        (double X, double Y)[] at = [.. kept.Select(i => (cell.ToX(mark.X[i]), cell.ToY(mark.Y[i])))];
        bool leaves = at.Any(point =>
            Finite(point.X, point.Y) && (cell.InX(point.X) != point.X || cell.InY(point.Y) != point.Y)
        );
        _svg.Raw("<path d='");
        bool down = false;
        for (int i = 0; i < at.Length; i++)
        {
            bool drawn = Finite(at[i].X, at[i].Y);
            if (drawn && !leaves)
                _svg.Add($"{(down ? "L" : "M")}{at[i].X} {at[i].Y}");
            else if (drawn && down && cell.Cut(at[i - 1], at[i]) is { } part)
                _svg.Add($"M{part.X1} {part.Y1}L{part.X2} {part.Y2}");
            down = drawn;
        }
        _svg.Raw("' ").Raw(Stroke(style)).Raw("/>");
        foreach (
            int i in mark.Points
                ? []
                : cell.Alone(mark, kept).Where(i => cell.Plan.X.Holds(mark.X[i]) && cell.Plan.Y.Holds(mark.Y[i]))
        )
            _svg.Add($"<circle cx='{cell.ToX(mark.X[i])}' cy='{cell.ToY(mark.Y[i])}' r='2.5' ")
                .Raw(style.Colour is { } colour ? $"fill='{colour}'" : Markup.InkFill)
                .Raw("/>");
    }

    private void Points(PanelLayout cell, Series mark)
    {
        var style = _styles.Of(mark);
        for (int i = 0; i < mark.X.Count; i++)
        {
            double x = cell.ToX(mark.X[i]),
                y = cell.ToY(mark.Y[i]);
            if (!Finite(x, y) || !cell.Plan.X.Holds(mark.X[i]) || !cell.Plan.Y.Holds(mark.Y[i]))
                continue;
            double error = mark.ErrorAt(i);
            ErrorBar(cell, x, mark.Y[i], error, style.Colour is { } colour ? $"stroke='{colour}'" : Markup.InkStroke);
            Point(
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
        if (Finite(high, low))
            _svg.Add($"<path d='M{x - 4} {high}h8M{x} {high}V{low}M{x - 4} {low}h8' fill='none' stroke-width='1.25' ")
                .Raw(stroke)
                .Raw("/>");
    }

    private void Point(MarkStyle style, double x, double y, string? words)
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
            Shape.Circle => _svg.Add($"<circle cx='{x}' cy='{y}' r='4.2' "),
            Shape.Square => _svg.Add($"<rect x='{x - 5}' y='{y - 5}' width='10' height='10' "),
            Shape.Diamond => _svg.Add($"<path d='M{x} {y - 6.6}l6.6 6.6l-6.6 6.6l-6.6 -6.6z' "),
            _ => _svg.Add($"<path d='M{x - 4} {y - 4}l8 8m0 -8l-8 8' "),
        };
        string name = style.Shape switch
        {
            Shape.Circle => "circle",
            Shape.Square => "rect",
            _ => "path",
        };
        _svg.Raw(look);
        if (words is null)
            _svg.Raw("/>");
        else
            _svg.Add($"><title>{words}</title></").Raw(name).Raw(">");
    }

    private void Text(
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
        _svg.Add($"<text x='{x}' y='{y}' font-size='{size}'");
        if (anchor != "start")
            _svg.Add($" text-anchor='{anchor}'");
        if (opacity < 1)
            _svg.Add($" fill-opacity='{opacity}'");
        if (weight != 400)
            _svg.Add($" font-weight='{weight}'");
        _svg.Add($">{text}</text>");
    }

    private static string Stroke(MarkStyle style) =>
        $"fill='none' stroke-width='{(style.LineWidth == 2 ? "2" : "1.5")}' stroke-linejoin='round' "
        + $"stroke-linecap='{(style.Dash is null ? "round" : "butt")}' "
        + (style.Dash is null ? "" : $"stroke-dasharray='{style.Dash}' ")
        + (style.Colour is { } colour ? $"stroke='{colour}'" : Markup.InkStroke);

    private static string Area(MarkStyle style, bool band)
    {
        string fill = style.Colour is { } colour ? $"fill='{colour}'" : Markup.InkFill,
            both = style.Colour is { } line ? $"fill='{line}' stroke='{line}'" : Markup.InkArea;
        return band ? $"fill-opacity='0.16' {fill}"
            : style.Hollow ? $"fill-opacity='0.12' stroke-width='1.6' stroke-dasharray='4 2' {both}"
            : fill;
    }

    private static bool Finite(params ReadOnlySpan<double> values)
    {
        foreach (double value in values)
            if (!double.IsFinite(value))
                return false;
        return true;
    }

    // Stretches of indices that can all be drawn.
    private static IEnumerable<int[]> Runs(int count, Func<int, bool> drawn)
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
