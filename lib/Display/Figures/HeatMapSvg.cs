using PatchKit.Display.Formatting;
using PatchKit.Display.Pictures;

namespace PatchKit.Display.Figures;

/// <summary>Draws a heat map and its colour bar.</summary>
/// <param name="pen">draws.</param>
internal sealed class HeatMapSvg(SvgPen pen)
{
    private const double SmallSize = FigureLayout.SmallSize;
    private const int BarSteps = 32;

    /// <summary>Draws them: cell by cell, or as one image where there are many.</summary>
    internal void Draw(PanelLayout cell, HeatMap mark)
    {
        if (mark.Values.Length > PanelLayout.MostCells)
            Image(cell, mark);
        else
            for (int i = 0; i < mark.Rows; i++)
            for (int j = 0; j < mark.Columns; j++)
                Cell(cell, mark, i, j);
        ColourBar(cell, mark.Colours);
        pen.Text(cell.X + cell.Width, cell.PlotY - 10, mark.Quantity, FigureLayout.LabelSize, "end", 0.75);
    }

    // What has no value is papered over.
    private void Image(PanelLayout cell, HeatMap mark)
    {
        var (w, h) = cell.Cell(mark);
        double x = Math.Min(cell.ToX(-0.5), cell.ToX(mark.Columns - 0.5)),
            y = Math.Min(cell.ToY(-0.5), cell.ToY(mark.Rows - 0.5)),
            width = w * mark.Columns,
            height = h * mark.Rows;
        byte[] pixels = Pixels.Coloured(
            mark.Values,
            mark.Colours,
            upward: !cell.Panel.Y.Reversed,
            leftward: cell.Panel.X.Reversed
        );
        string png = Convert.ToBase64String(Pixels.Png(pixels, mark.Columns, mark.Rows));
        pen.Svg.Add(
                $"<image x='{x}' y='{y}' width='{width}' height='{height}' preserveAspectRatio='none' "
                    + $"style='image-rendering:pixelated' "
            )
            .Add($"href='data:image/png;base64,{png}'/><path d='");
        for (int i = 0; i < mark.Rows; i++)
            foreach (int[] run in SvgPen.Runs(mark.Columns, j => double.IsNaN(mark.Values[i, j])))
                pen.Svg.Add(
                    $"M{Math.Min(cell.ToX(run[0] - 0.5), cell.ToX(run[^1] + 0.5))} "
                        + $"{cell.ToY(i) - h / 2}h{run.Length * w}v{h + 0.5}h{-run.Length * w}z"
                );
        pen.Svg.Raw("' ").Raw(Markup.PaperFill).Raw("/>");
    }

    private void Cell(PanelLayout cell, HeatMap mark, int row, int column)
    {
        var (w, h) = cell.Cell(mark);
        double value = mark.Values[row, column],
            x = cell.ToX(column) - w / 2,
            y = cell.ToY(row) - h / 2;
        string words = cell.CellWords(mark, row, column);
        if (double.IsNaN(value))
        {
            pen.Svg.Add(
                $"<rect x='{x}' y='{y}' width='{w}' height='{h}' fill-opacity='0.06'><title>{words}</title></rect>"
            );
            return;
        }
        pen.Svg.Add(
            $"<rect x='{x}' y='{y}' width='{w + 0.4}' height='{h + 0.4}' "
                + $"fill='{Palette.Hex(mark.Colours.At(value))}'><title>{words}</title></rect>"
        );
        if (!cell.HoldsNumbers(mark))
            return;
        var (red, green, blue) = mark.Colours.At(value);
        string ink = 0.299 * red + 0.587 * green + 0.114 * blue > 140 ? "#111111" : "#ffffff";
        pen.Svg.Add(
                $"<text x='{x + w / 2}' y='{y + h / 2 + 4}' font-size='{SmallSize}' "
                    + $"text-anchor='middle' fill='{ink}'>"
            )
            .Add($"{mark.NumberAt(row, column)}</text>");
    }

    private void ColourBar(PanelLayout cell, ColourScale colours)
    {
        double x = cell.PlotRight + 14,
            step = cell.PlotHeight / BarSteps,
            range = colours.High - colours.Low;
        for (int i = 0; i < BarSteps; i++)
        {
            double value = colours.High - (i + 0.5) / BarSteps * range;
            pen.Svg.Add(
                $"<rect x='{x}' y='{cell.PlotY + i * step}' width='12' height='{step + 0.4}' "
                    + $"fill='{Palette.Hex(colours.At(value))}'/>"
            );
        }
        var ticks = range > 0 ? Ticks.Linear(colours.Low, colours.High, cell.PlotHeight / 36) : [colours.Low];
        var labels = Numbers.Labels(ticks);
        for (int i = 0; i < ticks.Count; i++)
        {
            double t = range > 0 ? (ticks[i] - colours.Low) / range : 0.5;
            pen.Text(x + 17, cell.PlotY + cell.PlotHeight * (1 - t) + 4, labels[i], SmallSize, opacity: 0.85);
        }
    }
}
