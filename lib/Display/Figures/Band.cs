namespace PatchKit.Display.Figures;

/// <summary>The area between two curves, such as an interval around a fit. A NaN is a gap.</summary>
/// <param name="Name">its entry in the legend.</param>
/// <param name="X">abscissae.</param>
/// <param name="Low">the lower curve.</param>
/// <param name="High">the upper curve.</param>
public sealed record Band(string Name, IReadOnlyList<double> X, IReadOnlyList<double> Low, IReadOnlyList<double> High)
    : Mark(Name)
{
    /// <summary>The lower curve, as many values as abscissae.</summary>
    public IReadOnlyList<double> Low { get; init; } = SameCount(Low, X, "values of the lower curve");

    /// <summary>The upper curve, as many values as abscissae.</summary>
    public IReadOnlyList<double> High { get; init; } = SameCount(High, X, "values of the upper curve");

    internal override IEnumerable<(double X, double Y)> Reach =>
        X.SelectMany((x, i) => new[] { (x, Low[i]), (x, High[i]) });
}
