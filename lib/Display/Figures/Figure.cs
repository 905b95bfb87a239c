using PatchKit.Display.Formatting;

namespace PatchKit.Display.Figures;

/// <summary>
/// A figure: one panel or small multiples. It can be had as an SVG drawing that needs nothing else, as HTML whose image
/// becomes a plotly.js chart where a page has that, as plotly's JSON, and as characters.
/// </summary>
/// <param name="Title">what it shows.</param>
/// <param name="Panels">its panels, row by row.</param>
[TypeFormatterSource(typeof(FormatterSource<Figure>), PreferredMimeTypes = [Mime.Plotly, Mime.Html, Mime.Text])]
public sealed record Figure(string Title, params IReadOnlyList<Panel> Panels) : IRendered
{
    /// <summary>A sentence below the title.</summary>
    public string Subtitle { get; init; } = "";

    /// <summary>A remark below the panels, such as where the numbers come from.</summary>
    public string Caption { get; init; } = "";

    /// <summary>Panels in a row; 0 for as many as look well.</summary>
    public int Columns { get; init; }

    /// <summary>The width in pixels.</summary>
    public double Width { get; init; } = 720;

    /// <summary>The height of each row of panels in pixels, axes included; 0 to suit their width.</summary>
    public double RowHeight { get; init; }

    /// <summary>A panel is a figure without a title.</summary>
    public static implicit operator Figure(Panel panel) => new(panel.Title, panel with { Title = "" });

    /// <summary>The figure with one range for all y axes, so that panels side by side can be compared by eye.</summary>
    public Figure SameY()
    {
        var axes = Panels.Where(panel => panel.Marks.Count > 0).ToList();
        double[] reach =
        [
            .. axes.SelectMany(panel =>
                panel
                    .Marks.SelectMany(mark => mark.Reach)
                    .Select(point => point.Y)
                    .Where(y => double.IsFinite(y) && (!panel.Y.IsLog || y > panel.Y.Floor))
            ),
        ];
        if (reach.Length == 0)
            return this;
        double low = reach.Min(),
            high = reach.Max();
        if (low == high)
            return this;
        return this with { Panels = [.. Panels.Select(panel => panel with { Y = Widened(panel.Y) })] };

        Axis Widened(Axis axis)
        {
            const double Margin = 0.05;
            double From(double value) => axis.IsLog ? Math.Log(value - axis.Floor) : value;
            double To(double place) => axis.IsLog ? axis.Floor + Math.Exp(place) : place;
            double margin = Margin * (From(high) - From(low));
            return axis with
            {
                Min = axis.Min ?? (!axis.IsLog && low == 0 ? 0 : To(From(low) - margin)),
                Max = axis.Max ?? (!axis.IsLog && high == 0 ? 0 : To(From(high) + margin)),
            };
        }
    }

    internal int ColumnCount =>
        Math.Max(
            1,
            Columns > 0
                ? Math.Min(Columns, Panels.Count)
                : Panels.Count switch
                {
                    <= 3 => Panels.Count,
                    4 => 2,
                    _ => 3,
                }
        );

    internal int RowCount => (Panels.Count + ColumnCount - 1) / ColumnCount;

    /// <summary>A whole SVG document.</summary>
    public string ToSvg() => new FigureSvg(this).Render();

    /// <summary>
    /// An image of the drawing, which needs no trust; where the <see cref="Loader"/> has brought plotly.js to the page,
    /// a chart takes its place.
    /// </summary>
    public string ToHtml() => FigureHtml.Render(this);

    /// <summary>The figure as plotly.js 2 and later read it: data, layout and config.</summary>
    public string ToPlotlyJson() => new FigurePlotly(this).Render();

    /// <inheritdoc/>
    public string Render(string mimeType) =>
        mimeType switch
        {
            Mime.Plotly => ToPlotlyJson(),
            Mime.Html => ToHtml(),
            Mime.Svg => ToSvg(),
            Mime.Text => ToString(),
            _ => throw Mime.Unknown(this, mimeType),
        };

    /// <summary>The figure as characters.</summary>
    public override string ToString() => FigureText.Render(this);
}
