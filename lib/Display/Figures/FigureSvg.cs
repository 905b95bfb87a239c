using PatchKit.Display.Formatting;

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
        SmallSize = FigureLayout.SmallSize;

    private readonly Figure _figure;
    private readonly FigureLayout _layout;
    private readonly MarkStyles _styles;
    private readonly bool _alone;
    private readonly SvgPen _pen = new();
    private readonly MarkSvg _marks;

    internal FigureSvg(Figure figure, bool alone = false)
    {
        (_figure, _layout, _styles, _alone) = (figure, new FigureLayout(figure), new MarkStyles(figure), alone);
        _marks = new MarkSvg(_pen, _styles);
    }

    internal string Render()
    {
        _pen.Svg.Add(
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
            _pen.Text(FigureLayout.Pad, y, text, FigureLayout.TitleSize, weight: 600);
        foreach (var (y, text) in _layout.Subtitle)
            _pen.Text(FigureLayout.Pad, y, text, FigureLayout.SubtitleSize, opacity: 0.75);
        foreach (var (x, y, mark, name) in _layout.Legend)
        {
            Sample(mark, x, y - 4);
            _pen.Text(x + FigureLayout.LegendText, y, name, TextSize);
        }
        foreach (var panel in _layout.Panels)
            Draw(panel);
        foreach (var (y, text) in _layout.Remarks)
            _pen.Text(FigureLayout.Pad, y, text, SmallSize, opacity: 0.7);
        _pen.Svg.Raw("</g></svg>");
        return _alone ? Markup.Alone(_pen.Svg.ToString()) : _pen.Svg.ToString();
    }

    // What a mark looks like, for the legend.
    private void Sample(Mark mark, double x, double y)
    {
        var style = _styles.Of(mark);
        if (mark is Bars or Band)
            _pen.Svg.Add($"<rect x='{x + 4}' y='{y - 6}' width='20' height='12' rx='1' ")
                .Raw(SvgPen.Area(style, mark is Band))
                .Raw("/>");
        if (mark is not Series series)
            return;
        if (series.Line)
            _pen.Svg.Add($"<path d='M{x} {y}h28' ").Raw(SvgPen.Stroke(style)).Raw("/>");
        if (series.Points)
            _pen.Point(style, x + 14, y, null);
    }

    private void Draw(PanelLayout cell)
    {
        var (panel, plan) = (cell.Panel, cell.Plan);
        for (int i = 0; i < cell.Titles.Count; i++)
            _pen.Text(cell.X, cell.Y + 13 + 16 * i, cell.Titles[i], FigureLayout.SubtitleSize, weight: 600);
        _pen.Text(
            cell.X,
            cell.PlotY - 10,
            TextWidth.Fit(panel.Y.ToString(), LabelSize, cell.Width),
            LabelSize,
            opacity: 0.75
        );
        _pen.Text(
            cell.PlotX + cell.PlotWidth / 2,
            cell.Y + cell.Height - 3,
            TextWidth.Fit(panel.X.ToString(), LabelSize, cell.Width),
            LabelSize,
            "middle",
            0.75
        );
        new AxesSvg(_pen).Draw(cell, grid: !cell.HasMap && !plan.IsEmpty);
        if (plan.IsEmpty)
        {
            _pen.Text(
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
            new HeatMapSvg(_pen).Draw(cell, mark);
        foreach (var mark in panel.Marks.OfType<Band>())
            _marks.Draw(cell, mark);
        foreach (var mark in panel.Marks.OfType<Bars>())
            _marks.Draw(cell, mark);
        foreach (var mark in panel.Marks.OfType<Rule>())
            _marks.Draw(cell, mark);
        foreach (var mark in panel.Marks.OfType<Series>().Where(series => series.Line))
            _marks.Line(cell, mark);
        foreach (var mark in panel.Marks.OfType<Series>().Where(series => series.Points).OrderBy(Depth))
            _marks.Points(cell, mark);
        foreach (var (_, x, y, text) in cell.Labels())
            _pen.Svg.Add(
                    $"<text x='{x}' y='{y}' font-size='{SmallSize}' stroke-width='3' "
                        + $"stroke-linejoin='round' paint-order='stroke' stroke='{Markup.Paper}' fill='{Markup.Ink}' "
                )
                .Raw($"style='stroke:{Markup.ThemePaper};fill:{Markup.ThemeInk}'")
                .Add($">{text}</text>");
    }

    // The paper's hollow points first, so that a run's smaller filled ones show inside them.
    private static int Depth(Series series) =>
        series.Origin switch
        {
            Origin.Paper => 0,
            Origin.Recorded => 1,
            _ => 2,
        };
}
