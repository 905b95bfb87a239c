using PatchKit.Display.Formatting;

namespace PatchKit.Display.Figures;

/// <summary>
/// Where everything in a figure stands, in pixels from the top left corner; shared by the drawing and by plotly, so
/// that one takes the other's place unseen.
/// </summary>
internal sealed class FigureLayout
{
    internal const double Pad = 16,
        Gap = 26,
        TitleSize = 16,
        SubtitleSize = 12.5,
        TextSize = 12,
        LabelSize = 11.5,
        SmallSize = 11,
        LegendText = 34;

    // Pages show charts as narrow as this, whose words plotly does not break.
    private const double Narrowest = 600;

    internal FigureLayout(Figure figure)
    {
        double y = Pad,
            inner = figure.Width - 2 * Pad,
            heading = Math.Min(figure.Width, Narrowest) - 2 * Pad;
        Title = Lines(figure.Title, TitleSize, TextWidth.Bold, heading, 21, 6);
        Subtitle = Lines(figure.Subtitle, SubtitleSize, 1, heading, 17, 4);
        Legend = Entries(figure, inner, ref y);
        y += y > Pad ? 14 : 0;

        int columns = figure.ColumnCount,
            rows = figure.RowCount;
        double cell = (inner - (columns - 1) * Gap) / columns;
        double height =
            figure.RowHeight > 0 ? figure.RowHeight
            : columns == 1 ? 350
            : Math.Clamp(0.8 * cell, 230, 320);
        Panels =
        [
            .. figure.Panels.Select(
                (panel, i) =>
                    new PanelLayout(
                        panel,
                        Pad + i % columns * (cell + Gap),
                        y + i / columns * (height + Gap),
                        cell,
                        height
                    )
            ),
        ];
        foreach (var panel in Panels)
            panel.Align(Panels.Max(other => other.Left), Panels.Max(other => other.Titles.Count));
        y += rows * height + Math.Max(0, rows - 1) * Gap;

        if (figure.Caption.Length > 0 || Panels.Any(panel => panel.Plan.Missing is not null))
            y += 10;
        Remarks =
        [
            .. Panels
                .Select(panel => panel.Plan.Missing)
                .Prepend(figure.Caption)
                .OfType<string>()
                .SelectMany(text => Lines(text, SmallSize, 1, heading, 15, 3)),
        ];
        Height = Math.Ceiling(y + Pad);

        (double Y, string Text)[] Lines(
            string text,
            double size,
            double bold,
            double width,
            double step,
            double above
        ) => [.. TextWidth.Wrap(text, size * bold, width).Select(line => ((y += step) - above, line))];
    }

    internal double Height { get; }

    internal IReadOnlyList<(double Y, string Text)> Title { get; }

    internal IReadOnlyList<(double Y, string Text)> Subtitle { get; }

    /// <summary>
    /// The legend's entries; the middle of each mark's sample stands 14 pixels to the right and 4 above the text's
    /// line.
    /// </summary>
    internal IReadOnlyList<(double X, double Y, Mark Mark, string Name)> Legend { get; }

    internal IReadOnlyList<PanelLayout> Panels { get; }

    internal IReadOnlyList<(double Y, string Text)> Remarks { get; }

    private static IReadOnlyList<(double X, double Y, Mark Mark, string Name)> Entries(
        Figure figure,
        double inner,
        ref double y
    )
    {
        var entries = new List<(double X, double Y, Mark Mark, string Name)>();
        double x = Pad;
        foreach (var mark in MarkStyles.Legend(figure))
        {
            string name = TextWidth.Fit(
                mark.Name + (mark is Series { X.Count: 0 } ? " (no values yet)" : ""),
                TextSize,
                inner - LegendText
            );
            double width = LegendText + TextWidth.Of(name, TextSize);
            if (entries.Count == 0)
                y += 22;
            else if (x + width > Pad + inner)
                (x, y) = (Pad, y + 19);
            entries.Add((x, y - 2, mark, name));
            x += width + 16;
        }
        return entries;
    }
}
