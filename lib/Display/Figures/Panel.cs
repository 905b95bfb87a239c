using PatchKit.Display.Formatting;

namespace PatchKit.Display.Figures;

/// <summary>
/// One pair of axes and what is drawn in it. Each method gives a new panel with one more mark:
/// <code>
/// new Panel(Axis.PowersOfTwo("patch size", "pixels"), Axis.Log("test loss", floor: 0.8))
///     .Scatter("paper", sizes, losses, Origin.Paper)
///     .Function("fitted law", law.At, 1, 16)
/// </code>
/// </summary>
/// <param name="X">the horizontal axis.</param>
/// <param name="Y">the vertical axis.</param>
[TypeFormatterSource(typeof(FormatterSource<Panel>), PreferredMimeTypes = [Mime.Plotly, Mime.Html, Mime.Text])]
public sealed record Panel(Axis X, Axis Y) : IRendered
{
    private const int FunctionPoints = 97;

    /// <summary>What stands above it, among other panels.</summary>
    public string Title { get; init; } = "";

    /// <summary>What is drawn, in this order.</summary>
    public IReadOnlyList<Mark> Marks { get; init; } = [];

    /// <summary>This panel with one more mark.</summary>
    public Panel With(Mark mark) => this with { Marks = [.. Marks, mark] };

    /// <summary>A line through points; <paramref name="points"/> draws these too.</summary>
    /// <exception cref="ArgumentException">There are not as many y values as x values.</exception>
    public Panel Line(
        string name,
        IEnumerable<double> x,
        IEnumerable<double> y,
        Origin origin = Origin.ThisRun,
        string? group = null,
        bool points = false
    ) =>
        With(
            new Series(name, [.. x], [.. y])
            {
                Origin = origin,
                Group = group,
                Line = true,
                Points = points,
            }
        );

    /// <summary>Points, with error bars where <paramref name="error"/> gives half their length.</summary>
    /// <exception cref="ArgumentException">There are not as many y values as x values.</exception>
    public Panel Scatter(
        string name,
        IEnumerable<double> x,
        IEnumerable<double> y,
        Origin origin = Origin.ThisRun,
        string? group = null,
        IEnumerable<double>? error = null
    ) =>
        With(
            new Series(name, [.. x], [.. y])
            {
                Origin = origin,
                Group = group,
                Points = true,
                Error = error?.ToArray(),
            }
        );

    /// <summary>The curve of a function, such as a fitted law, from one x to another.</summary>
    public Panel Function(
        string name,
        Func<double, double> y,
        double from,
        double to,
        Origin origin = Origin.Law,
        string? group = null
    )
    {
        bool log = X.IsLog && from > X.Floor && to > X.Floor;
        double low = log ? Math.Log(from - X.Floor) : from,
            high = log ? Math.Log(to - X.Floor) : to;
        double[] x =
        [
            .. Enumerable
                .Range(0, FunctionPoints)
                .Select(i => low + (high - low) * i / (FunctionPoints - 1))
                .Select(t => log ? X.Floor + Math.Exp(t) : t),
        ];
        return Line(name, x, x.Select(y), origin, group);
    }

    /// <summary>The area between two curves, such as an interval around a fit.</summary>
    /// <exception cref="ArgumentException">The curves do not have as many values as there are x values.</exception>
    public Panel Band(
        string name,
        IEnumerable<double> x,
        IEnumerable<double> low,
        IEnumerable<double> high,
        Origin origin = Origin.Law,
        string? group = null
    ) => With(new Band(name, [.. x], [.. low], [.. high]) { Origin = origin, Group = group });

    /// <summary>A bar for each category of the x axis.</summary>
    /// <exception cref="ArgumentException">The x axis has no categories, or not as many as there are
    /// values.</exception>
    public Panel Bars(
        string name,
        IEnumerable<double> values,
        Origin origin = Origin.ThisRun,
        string? group = null,
        IEnumerable<double>? error = null
    )
    {
        double[] heights = [.. values];
        if (X.Categories?.Count != heights.Length)
            throw new ArgumentException(
                $"'{name}' has {heights.Length} bars, but the axis '{X.Label}' "
                    + $"has {X.Categories?.Count ?? 0} categories; make it by Axis.Named with one name for each bar."
            );
        return With(
            new Bars(name, heights)
            {
                Origin = origin,
                Group = group,
                Error = error?.ToArray(),
            }
        );
    }

    /// <summary>A matrix as colours, its first row on top.</summary>
    public Panel HeatMap(
        double[,] values,
        string quantity,
        ColourMap map = ColourMap.Viridis,
        (double Low, double High)? range = null
    ) =>
        (this with { Y = Y with { Reversed = true } }).With(new HeatMap(values, quantity) { Map = map, Range = range });

    /// <summary>A few words at a point.</summary>
    public Panel Note(double x, double y, string text) => With(new Note(x, y, text));

    /// <summary>A horizontal line, such as chance level.</summary>
    public Panel Level(double y, string text) => With(new Rule(y, text));

    /// <summary>A vertical line.</summary>
    public Panel At(double x, string text) => With(new Rule(x, text, Vertical: true));

    /// <summary>A figure of this panel alone.</summary>
    public Figure ToFigure(string title, string subtitle = "") => new(title, this) { Subtitle = subtitle };

    /// <inheritdoc/>
    public string Render(string mimeType) => ((Figure)this).Render(mimeType);

    /// <summary>The panel as text.</summary>
    public override string ToString() => ((Figure)this).ToString();
}
