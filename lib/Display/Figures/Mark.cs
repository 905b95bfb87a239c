namespace PatchKit.Display.Figures;

/// <summary>Something drawn in a panel.</summary>
/// <param name="Name">its entry in the legend, shared by marks of the same name; empty for none.</param>
public abstract record Mark(string Name)
{
    /// <summary>Where its numbers come from.</summary>
    public Origin Origin { get; init; }

    /// <summary>
    /// Marks of one group have one colour, such as a model's measurements and the paper's; the name where this is null.
    /// </summary>
    public string? Group { get; init; }

    /// <summary>A colour of one's own, "#RRGGBB".</summary>
    public string? Colour { get; init; }

    /// <summary>Points that the axes must reach.</summary>
    internal abstract IEnumerable<(double X, double Y)> Reach { get; }

    private protected static IReadOnlyList<double> SameCount(
        IReadOnlyList<double> values,
        IReadOnlyList<double> x,
        string what
    ) =>
        values.Count == x.Count
            ? values
            : throw new ArgumentException(
                $"there are {x.Count} x values and {values.Count} {what}; give one for each."
            );
}
