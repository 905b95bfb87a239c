namespace PatchKit.Display;

/// <summary>How a mark looks.</summary>
/// <param name="Colour">"#RRGGBB"; null for the text's colour.</param>
/// <param name="Shape">of its points.</param>
/// <param name="Origin">which decides fill and dash.</param>
internal sealed record MarkStyle(string? Colour, Shape Shape, Origin Origin)
{
    internal bool Hollow => Origin == Origin.Paper;

    internal double LineWidth => Origin == Origin.Law ? 1.5 : 2;

    internal string? Dash => Origin == Origin.Paper ? "6 4" : null;

    /// <summary>The character that stands for a point.</summary>
    internal char Symbol => Shape switch
    {
        Shape.Circle => '●',
        Shape.Triangle => '▲',
        Shape.Pentagon => '◆',
        Shape.Square => '□',
        Shape.Diamond => '◇',
        Shape.TriangleDown => '▽',
        _ => '+',
    };

    /// <summary>Plotly's name of the shape.</summary>
    internal string Plotly => Shape switch
    {
        Shape.Circle => "circle",
        Shape.Triangle => "triangle-up",
        Shape.Pentagon => "pentagon",
        Shape.Square => "square-open",
        Shape.Diamond => "diamond-open",
        Shape.TriangleDown => "triangle-down-open",
        _ => "x-thin-open",
    };
}
