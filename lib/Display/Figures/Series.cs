namespace PatchKit.Display.Figures;

/// <summary>Points, joined by a line or not. A NaN is a gap.</summary>
/// <param name="Name">its entry in the legend.</param>
/// <param name="X">abscissae.</param>
/// <param name="Y">ordinates.</param>
public sealed record Series(string Name, IReadOnlyList<double> X, IReadOnlyList<double> Y) : Mark(Name)
{
    /// <summary>Ordinates, as many as abscissae.</summary>
    public IReadOnlyList<double> Y { get; init; } = SameCount(Y, X, "y values");

    /// <summary>Whether a line joins the points.</summary>
    public bool Line { get; init; }

    /// <summary>Whether the points themselves are drawn.</summary>
    public bool Points { get; init; }

    /// <summary>Half the length of each point's error bar; null for none.</summary>
    public IReadOnlyList<double>? Error { get; init; }

    internal double ErrorAt(int i) => Error is { } error && i < error.Count && double.IsFinite(error[i]) ? error[i] : 0;

    internal override IEnumerable<(double X, double Y)> Reach =>
        X.SelectMany((x, i) => new[] { (x, Y[i]), (x, Y[i] - ErrorAt(i)), (x, Y[i] + ErrorAt(i)) });
}
