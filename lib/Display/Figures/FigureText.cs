using System.Text;
using PatchKit.Display.Formatting;
using PatchKit.Display.Tables;

namespace PatchKit.Display.Figures;

/// <summary>Draws a figure with characters.</summary>
internal static class FigureText
{
    private const int Width = 60,
        Height = 15;

    internal static string Render(Figure figure)
    {
        var styles = new MarkStyles(figure);
        var rules = figure
            .Panels.SelectMany(panel => panel.Marks)
            .OfType<Rule>()
            .Where(rule => rule.Text.Length > 0)
            .Select(rule => $"{(rule.Vertical ? '┊' : '┄')} {rule.Text}")
            .Distinct();
        string legend = string.Join(
            "   ",
            MarkStyles.Legend(figure).Select(mark => $"{Sample(mark, styles.Of(mark))} {mark.Name}").Concat(rules)
        );
        var parts = new[] { figure.Title, figure.Subtitle }
            .Concat(figure.Panels.Select(panel => Draw(panel, styles)))
            .Append(legend)
            .Append(figure.Caption);
        return string.Join("\n", parts.Where(part => part.Length > 0));
    }

    private static char Sample(Mark mark, MarkStyle style) =>
        mark switch
        {
            Series { Points: false } => style.Hollow ? '╌' : '·',
            Series => style.Symbol,
            Bars => style.Hollow ? '░' : '█',
            _ => '▒',
        };

    private static string Draw(Panel panel, MarkStyles styles)
    {
        string title = panel.Title.Length > 0 ? panel.Title + "\n" : "";
        if (panel.Marks.OfType<HeatMap>().FirstOrDefault() is { } map)
            return title + Draw(panel, map);
        var plan = new PanelPlan(panel, Width, Height, spacingX: 8, spacingY: 3);
        if (plan.IsEmpty)
            return $"{title}{panel.Y} against {panel.X}: nothing to show yet.";
        var grid = new char[Height, Width];
        foreach (var rule in panel.Marks.OfType<Rule>())
            for (int i = 0; i < (rule.Vertical ? Height : Width); i++)
                if (rule.Vertical)
                    Put(Column(plan.X.At(rule.Value)), i, '┊');
                else
                    Put(i, Row(plan.Y.At(rule.Value)), '┄');
        foreach (var bars in panel.Marks.OfType<Bars>())
            Fill(bars);
        foreach (var series in panel.Marks.OfType<Series>().Where(series => series.Line))
            Trace(series);
        foreach (
            var series in panel
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
            for (int i = 0; i < series.X.Count; i++)
                Put(Column(plan.X.At(series.X[i])), Row(plan.Y.At(series.Y[i])), styles.Of(series).Symbol);
        return title + Frame(panel, plan, grid);

        void Put(int column, int row, char symbol)
        {
            if (column is >= 0 and < Width && row is >= 0 and < Height)
                grid[row, column] = symbol;
        }

        void Fill(Bars bars)
        {
            for (int category = 0; category < bars.Values.Count; category++)
            {
                var (left, right) = plan.Bar(bars, category);
                int from = Row(plan.Y.Base),
                    to = Row(plan.Y.At(bars.Values[category]));
                if (to < 0)
                    continue;
                int first = Column(plan.X.At(left)),
                    end = Math.Max(Column(plan.X.At(right)), first + 1);
                for (int row = Math.Min(from, to); row <= Math.Max(from, to); row++)
                for (int column = first; column < end; column++)
                    Put(column, row, Sample(bars, styles.Of(bars)));
            }
        }

        void Trace(Series series)
        {
            char symbol = series.Origin == Origin.Paper ? '╌' : '·';
            for (int i = 0; i < series.X.Count; i++)
            {
                int column = Column(plan.X.At(series.X[i])),
                    row = Row(plan.Y.At(series.Y[i]));
                Put(column, row, symbol);
                if (i == 0 || column < 0 || row < 0)
                    continue;
                int fromColumn = Column(plan.X.At(series.X[i - 1])),
                    fromRow = Row(plan.Y.At(series.Y[i - 1]));
                if (fromColumn < 0 || fromRow < 0)
                    continue;
                int steps = Math.Max(Math.Abs(column - fromColumn), Math.Abs(row - fromRow));
                for (int k = 1; k < steps; k++)
                    Put(
                        (int)Math.Round(fromColumn + (column - fromColumn) * (double)k / steps),
                        (int)Math.Round(fromRow + (row - fromRow) * (double)k / steps),
                        symbol
                    );
            }
        }
    }

    private static string Frame(Panel panel, PanelPlan plan, char[,] grid)
    {
        var labels = plan
            .Y.Ticks.Where(tick => tick.Label.Length > 0)
            .GroupBy(tick => Row(plan.Y.At(tick.Value)))
            .ToDictionary(group => group.Key, group => group.First().Label);
        int margin = labels.Values.Select(label => label.Length).DefaultIfEmpty(0).Max();
        var text = new StringBuilder().Append(panel.Y).Append('\n');
        for (int row = 0; row < Height; row++)
        {
            text.Append((labels.TryGetValue(row, out string? label) ? label : "").PadLeft(margin))
                .Append(label is null ? " │" : " ┤");
            var line = new StringBuilder();
            for (int column = 0; column < Width; column++)
                line.Append(grid[row, column] == 0 ? ' ' : grid[row, column]);
            text.Append(line.ToString().TrimEnd()).Append('\n');
        }
        var below = new char[Width + margin + 24];
        Array.Fill(below, ' ');
        int free = 0;
        foreach (var tick in plan.X.Ticks.Where(tick => tick.Label.Length > 0).OrderBy(tick => plan.X.At(tick.Value)))
        {
            int start = Math.Max(0, margin + 2 + Column(plan.X.At(tick.Value)) - tick.Label.Length / 2);
            if (start < free || start + tick.Label.Length > below.Length)
                continue;
            tick.Label.CopyTo(0, below, start, tick.Label.Length);
            free = start + tick.Label.Length + 1;
        }
        text.Append(' ', margin + 1)
            .Append('└')
            .Append('─', Width)
            .Append('\n')
            .Append(new string(below).TrimEnd())
            .Append('\n');
        string axis = panel.X.ToString();
        return text.Append(' ', Math.Max(0, margin + 2 + (Width - axis.Length) / 2))
            .Append(axis)
            .Append('\n')
            .ToString()
            .TrimEnd('\n');
    }

    // A map in five shades, at most as many cells as there is room for.
    private static string Draw(Panel panel, HeatMap map)
    {
        var colours = map.Colours;
        int rows = Math.Min(map.Rows, Height),
            columns = Math.Min(map.Columns, Width / 2);
        var text = new StringBuilder().Append($"{map.Quantity}: {panel.Y} (down) against {panel.X}\n");
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++)
            {
                double value = map.Values[i * map.Rows / rows, j * map.Columns / columns];
                double place = colours.High > colours.Low ? (value - colours.Low) / (colours.High - colours.Low) : 0.5;
                text.Append(double.IsNaN(value) ? ' ' : "·░▒▓█"[Math.Clamp((int)(5 * place), 0, 4)], 2);
            }
            text.Append('\n');
        }
        return text.Append($"· {Numbers.Short(colours.Low)}   █ {Numbers.Short(colours.High)}").ToString();
    }

    private static int Column(double place) => double.IsNaN(place) ? -1 : (int)Math.Round(place * (Width - 1));

    private static int Row(double place) => double.IsNaN(place) ? -1 : (int)Math.Round((1 - place) * (Height - 1));
}
