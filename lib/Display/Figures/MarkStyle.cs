namespace PatchKit.Display.Figures;

/// <summary>How a mark looks.</summary>
/// <param name="Colour">"#RRGGBB"; null for the text's colour.</param>
/// <param name="Shape">of its points.</param>
/// <param name="Origin">which decides fill and dash.</param>
/// <param name="Rank">its group's place among the figure's; characters, which have no colour, tell groups by
/// it.</param>
internal sealed record MarkStyle(string? Colour, Shape Shape, Origin Origin, int Rank)
{
    internal bool Hollow => Origin is Origin.Paper or Origin.Recorded;

    internal double LineWidth => Origin == Origin.Law ? 1.5 : 2;

    internal string? Dash =>
        Origin switch
        {
            Origin.Paper => "6 4",
            Origin.Recorded => "2 3",
            _ => null,
        };

    /// <summary>The character that stands for a point.</summary>
    internal char Symbol =>
        Origin switch
        {
            Origin.ThisRun => "●▲◆"[Rank % 3],
            Origin.Recorded => "○△⬠"[Rank % 3],
            Origin.Paper => "□◇▽"[Rank % 3],
            _ => '+',
        };

    /// <summary>Plotly's name of the shape.</summary>
    internal string Plotly =>
        Shape switch
        {
            Shape.Circle => "circle",
            Shape.Square => "square-open",
            Shape.Diamond => "diamond-open",
            _ => "x-thin-open",
        };
}

/// <summary>The shape of a point.</summary>
internal enum Shape
{
    Circle,
    Square,
    Diamond,
    Cross,
}
