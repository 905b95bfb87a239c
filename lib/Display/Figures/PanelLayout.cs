using PatchKit.Display.Formatting;

namespace PatchKit.Display.Figures;

/// <summary>A panel's place in a figure, and the places of what is in it.</summary>
internal sealed class PanelLayout
{
    /// <summary>Of a heat map of more cells than these, no cell has words of its own.</summary>
    internal const int MostCells = 1600;

    private const double TickGap = 7,
        ColourBar = 74,
        SmallSize = FigureLayout.SmallSize;
    private readonly double _bottom,
        _slot;
    private double _top = 24;

    internal PanelLayout(Panel panel, double x, double y, double width, double height)
    {
        (Panel, X, Y, Width, Height) = (panel, x, y, width, height);
        HasMap = panel.Marks.Any(mark => mark is HeatMap);
        Titles = [.. TextWidth.Wrap(panel.Title, FigureLayout.SubtitleSize * TextWidth.Bold, width).Take(2)];
        _slot = (width - 52 - (HasMap ? ColourBar : 0)) / Math.Max(1, panel.X.Categories?.Count ?? 1) - 6;
        Slanted =
            panel.X.Categories?.Any(name => name.Split(' ').Any(word => TextWidth.Of(word, SmallSize) > _slot))
            ?? false;
        int lines =
            Slanted || panel.X.Categories is not { Count: > 0 } names ? 1 : names.Max(name => LabelLines(name).Count);
        double labels = Slanted
            ? 24 + 0.58 * Math.Min(90, panel.X.Categories!.Max(name => TextWidth.Of(name, SmallSize)))
            : 24 + 13 * (lines - 1);
        _bottom = labels + (panel.X.Label.Length > 0 ? 18 : 0);
        Plan = Fit(width - 60);
        Left =
            Plan.Y.Ticks.Select(tick => Math.Min(TextWidth.Of(tick.Label, SmallSize), width * 0.35))
                .DefaultIfEmpty(0)
                .Max()
            + TickGap
            + 2;
    }

    internal Panel Panel { get; }
    internal double X { get; }
    internal double Y { get; }
    internal double Width { get; }
    internal double Height { get; }
    internal PanelPlan Plan { get; private set; }
    internal bool HasMap { get; }

    /// <summary>The title, in at most two lines.</summary>
    internal IReadOnlyList<string> Titles { get; }

    /// <summary>Room for the labels of the y axis.</summary>
    internal double Left { get; private set; }

    /// <summary>Whether the names below the x axis are too long to lie flat.</summary>
    internal bool Slanted { get; }

    internal double PlotX => X + Left;
    internal double PlotY => Y + _top;
    internal double PlotWidth => Width - Left - (HasMap ? ColourBar : 8);
    internal double PlotHeight => Height - _top - _bottom;
    internal double PlotRight => PlotX + PlotWidth;
    internal double PlotBottom => PlotY + PlotHeight;

    /// <summary>Fits the axes once all panels agree on the room at the left and for titles.</summary>
    internal void Align(double left, int titles)
    {
        (Left, _top) = (left, 24 + (titles == 0 ? 0 : 6 + 16 * titles));
        Plan = Fit(PlotWidth);
    }

    internal double ToX(double value) => PlotX + PlotWidth * Plan.X.At(value);

    internal double ToY(double value) => PlotY + PlotHeight * (1 - Plan.Y.At(value));

    internal double InX(double x) => Math.Clamp(x, PlotX, PlotRight);

    internal double InY(double y) => Math.Clamp(y, PlotY, PlotBottom);

    /// <summary>A cell's width and height.</summary>
    internal (double Width, double Height) Cell(HeatMap map) =>
        (
            Math.Abs(ToX(map.Columns - 0.5) - ToX(-0.5)) / map.Columns,
            Math.Abs(ToY(map.Rows - 0.5) - ToY(-0.5)) / map.Rows
        );

    /// <summary>Whether the cells are large enough for the numbers in them.</summary>
    internal bool HoldsNumbers(HeatMap map) => Cell(map) is { Width: >= 34, Height: >= 16 };

    /// <summary>What is said of a cell under the pointer: "p=4, 64 px: 0.71".</summary>
    internal string CellWords(HeatMap map, int row, int column) =>
        $"{NameOf(Panel.X, column)}, {NameOf(Panel.Y, row)}: {Numbers.Short(map.Values[row, column])}";

    internal static string NameOf(Axis axis, double value) =>
        axis.Categories is { } names && value >= 0 && value < names.Count
            ? names[(int)value]
            : Numbers.Short(value) + (axis.Unit is null ? "" : " " + axis.Unit);

    internal IReadOnlyList<string> LabelLines(string name) =>
        Panel.X.Categories is null ? [name] : TextWidth.Wrap(name, SmallSize, _slot);

    /// <summary>
    /// The indices of a series' points that make its line what it looks like: all, or, of more points than pixels, in
    /// each column of half a pixel the first, lowest, highest and last. Gaps stay.
    /// </summary>
    internal IReadOnlyList<int> Visible(Series series)
    {
        int count = series.X.Count;
        if (count <= 4 * PlotWidth)
            return [.. Enumerable.Range(0, count)];
        double[] x = [.. series.X.Select(ToX)],
            y = [.. series.Y.Select(ToY)];
        var kept = new List<int>();
        for (int first = 0; first < count; )
        {
            int end = first + 1,
                low = first,
                high = first;
            if (double.IsFinite(x[first] + y[first]))
                for (
                    ;
                    end < count
                        && double.IsFinite(x[end] + y[end])
                        && Math.Floor(2 * x[end]) == Math.Floor(2 * x[first]);
                    end++
                )
                    (low, high) = (y[end] < y[low] ? end : low, y[end] > y[high] ? end : high);
            kept.AddRange(new[] { first, low, high, end - 1 }.Distinct().Order());
            first = end;
        }
        return kept;
    }

    /// <summary>The indices among these whose points stand between two gaps, where no line shows them.</summary>
    internal IReadOnlyList<int> Alone(Series series, IReadOnlyList<int> indices)
    {
        bool[] drawn = [false, .. indices.Select(i => double.IsFinite(ToX(series.X[i]) + ToY(series.Y[i]))), false];
        return [.. indices.Where((_, k) => drawn[k + 1] && !drawn[k] && !drawn[k + 2])];
    }

    /// <summary>The part of a segment inside the plot; null where there is none.</summary>
    internal (double X1, double Y1, double X2, double Y2)? Cut((double X, double Y) from, (double X, double Y) to)
    {
        double dx = to.X - from.X,
            dy = to.Y - from.Y,
            enter = 0,
            leave = 1;
        foreach (
            var (slope, room) in new[]
            {
                (-dx, from.X - PlotX),
                (dx, PlotRight - from.X),
                (-dy, from.Y - PlotY),
                (dy, PlotBottom - from.Y),
            }
        )
            if (slope == 0 && room < 0)
                return null;
            else if (slope < 0)
                enter = Math.Max(enter, room / slope);
            else if (slope > 0)
                leave = Math.Min(leave, room / slope);
        return enter > leave
            ? null
            : (from.X + enter * dx, from.Y + enter * dy, from.X + leave * dx, from.Y + leave * dy);
    }

    /// <summary>
    /// The words of rules and notes, each where it hides least: inside the panel, off the points and the other words.
    /// </summary>
    internal IReadOnlyList<(Mark Mark, double X, double Y, string Text)> Labels()
    {
        var points = Panel
            .Marks.OfType<Series>()
            .SelectMany(series => series.X.Select((x, i) => (X: ToX(x), Y: ToY(series.Y[i]))))
            .ToArray();
        double[] levels = [.. Panel.Marks.OfType<Rule>().Where(rule => !rule.Vertical).Select(rule => ToY(rule.Value))];
        var taken = new List<(double Left, double Top, double Right, double Bottom)>();
        var labels = new List<(Mark Mark, double X, double Y, string Text)>();
        foreach (var mark in Panel.Marks.OfType<Rule>().Where(Shows))
        {
            double width = TextWidth.Of(mark.Text, SmallSize),
                x = ToX(mark.Value),
                y = ToY(mark.Value),
                end = PlotRight - width - 4;
            if (mark.Vertical)
                Put(
                    mark,
                    mark.Text,
                    [(x + 5, PlotY + 12), (x - 5 - width, PlotY + 12), (x + 5, PlotY + 30), (x - 5 - width, PlotY + 30)]
                );
            else
                Put(mark, mark.Text, [(end, y - 5), (end, y + 14), (PlotX + 4, y - 5), (PlotX + 4, y + 14)]);
        }
        foreach (
            var mark in Panel
                .Marks.OfType<Note>()
                .Where(note => note.Text.Length > 0 && Plan.X.Holds(note.X) && Plan.Y.Holds(note.Y))
        )
        {
            double width = TextWidth.Of(mark.Text, SmallSize),
                x = ToX(mark.X),
                y = ToY(mark.Y);
            Put(
                mark,
                mark.Text,
                [
                    (x + 9, y - 7),
                    (x - 9 - width, y - 7),
                    (x + 9, y + 15),
                    (x - 9 - width, y + 15),
                    (x - width / 2, y - 12),
                    (x - width / 2, y + 21),
                ]
            );
        }
        return labels;

        bool Shows(Rule rule) => rule.Text.Length > 0 && (rule.Vertical ? Plan.X : Plan.Y).Holds(rule.Value);

        void Put(Mark mark, string text, (double X, double Y)[] places)
        {
            var (x, y) = places.MinBy(place => Cost(Around(place, text)));
            taken.Add(Around((x, y), text));
            labels.Add((mark, x, y, text));
        }

        static (double Left, double Top, double Right, double Bottom) Around((double X, double Y) place, string text) =>
            (place.X - 2, place.Y - SmallSize, place.X + TextWidth.Of(text, SmallSize) + 2, place.Y + 3);

        double Cost((double Left, double Top, double Right, double Bottom) box) =>
            100
                * (
                    Math.Max(0, PlotX - box.Left)
                    + Math.Max(0, box.Right - PlotRight)
                    + Math.Max(0, PlotY - box.Top)
                    + Math.Max(0, box.Bottom - PlotBottom)
                )
            + points.Count(point =>
                point.X > box.Left - 4 && point.X < box.Right + 4 && point.Y > box.Top - 4 && point.Y < box.Bottom + 4
            )
            + 5 * levels.Count(level => level > box.Top && level < box.Bottom)
            + 20
                * taken.Count(other =>
                    other.Left < box.Right && box.Left < other.Right && other.Top < box.Bottom && box.Top < other.Bottom
                );
    }

    private PanelPlan Fit(double width) => new(Panel, width, PlotHeight, spacingY: Math.Clamp(PlotHeight / 5, 22, 36));
}
