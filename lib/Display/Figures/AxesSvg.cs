using PatchKit.Display.Formatting;

namespace PatchKit.Display.Figures;

/// <summary>Draws a panel's grid, axes, ticks and their labels.</summary>
/// <param name="pen">draws.</param>
internal sealed class AxesSvg(SvgPen pen)
{
    private const double SmallSize = FigureLayout.SmallSize,
        TickGap = 7;

    /// <summary>Draws them.</summary>
    /// <param name="cell">the panel.</param>
    /// <param name="grid">whether with a grid.</param>
    internal void Draw(PanelLayout cell, bool grid)
    {
        if (grid)
            Grid(cell);
        if (!cell.HasMap)
            pen.Svg.Add($"<path d='M{cell.PlotX} {cell.PlotBottom}H{cell.PlotRight}' stroke-opacity='0.55' ")
                .Raw(Markup.InkStroke)
                .Raw("/>");
        if (cell.Plan.IsEmpty && cell.Panel.Y.Categories is null && cell.Panel.X.Categories is null)
            return;
        foreach (var tick in cell.Plan.Y.Ticks)
            TickOfY(cell, tick);
        foreach (var tick in cell.Plan.X.Ticks)
            TickOfX(cell, tick);
    }

    private void Grid(PanelLayout cell)
    {
        pen.Svg.Raw("<path d='");
        foreach (var tick in cell.Plan.Y.Ticks.Where(tick => tick.Label.Length > 0))
            pen.Svg.Add($"M{cell.PlotX} {cell.ToY(tick.Value)}H{cell.PlotRight}");
        if (cell.Panel.X.Categories is null)
            foreach (var tick in cell.Plan.X.Ticks.Where(tick => tick.Label.Length > 0))
                pen.Svg.Add($"M{cell.ToX(tick.Value)} {cell.PlotY}V{cell.PlotBottom}");
        pen.Svg.Raw("' fill='none' stroke-opacity='0.13' ").Raw(Markup.InkStroke).Raw("/>");
    }

    // A tick without a label is a short line, one with a label is the label alone.
    private void TickOfY(PanelLayout cell, Tick tick)
    {
        double at = cell.ToY(tick.Value);
        string label = TextWidth.Fit(tick.Label, SmallSize, cell.Width * 0.35);
        if (tick.Label.Length > 0)
            pen.Text(cell.PlotX - TickGap, at + 4, label, SmallSize, "end", 0.85);
        else
            pen.Svg.Add($"<path d='M{cell.PlotX - 3} {at}h3' stroke-opacity='0.4' ").Raw(Markup.InkStroke).Raw("/>");
    }

    private void TickOfX(PanelLayout cell, Tick tick)
    {
        double at = cell.ToX(tick.Value),
            bottom = cell.PlotBottom;
        if (!cell.HasMap)
            pen.Svg.Add($"<path d='M{at} {bottom}v{(tick.Label.Length == 0 ? 3 : 4)}' stroke-opacity='0.45' ")
                .Raw(Markup.InkStroke)
                .Raw("/>");
        if (tick.Label.Length == 0)
            return;
        if (cell.Slanted)
            pen.Svg.Add(
                    $"<text transform='translate({at + 4} {bottom + 14}) rotate(-35)' "
                        + $"font-size='{SmallSize}' text-anchor='end' fill-opacity='0.85'>"
                )
                .Add($"{TextWidth.Fit(tick.Label, SmallSize, 90)}</text>");
        else
            foreach (var (line, i) in cell.LabelLines(tick.Label).Select((line, i) => (line, i)))
                pen.Text(at, bottom + 17 + 13 * i, line, SmallSize, "middle", 0.85);
    }
}
