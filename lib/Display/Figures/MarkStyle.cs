namespace PatchKit.Display;

/// <summary>How a mark looks.</summary>
/// <param name="Colour">"#RRGGBB"; null for the text's colour.</param>
/// <param name="Shape">of its points.</param>
/// <param name="Origin">which decides fill and dash.</param>
internal sealed record MarkStyle(string? Colour, Shape Shape, Origin Origin)
{
    internal bool Hollow => Origin is Origin.Paper or Origin.Recorded;

    internal double LineWidth => Origin == Origin.Law ? 1.5 : 2;

    internal string? Dash => Origin switch { Origin.Paper => "6 4", Origin.Recorded => "2 3", _ => null };

    /// <summary>The character that stands for a point.</summary>
    internal char Symbol => Shape switch
    {
        Shape.Circle => Hollow ? '○' : '●',
        Shape.Triangle => Hollow ? '△' : '▲',
        Shape.Pentagon => Hollow ? '⬠' : '◆',
        Shape.Square => '□',
        Shape.Diamond => '◇',
        Shape.TriangleDown => '▽',
        _ => '+',
    };

    /// <summary>Plotly's name of the shape.</summary>
    internal string Plotly => Shape switch
    {
        Shape.Circle => Hollow ? "circle-open" : "circle",
        Shape.Triangle => Hollow ? "triangle-up-open" : "triangle-up",
        Shape.Pentagon => Hollow ? "pentagon-open" : "pentagon",
        Shape.Square => "square-open",
        Shape.Diamond => "diamond-open",
        Shape.TriangleDown => "triangle-down-open",
        _ => "x-thin-open",
    };
}
