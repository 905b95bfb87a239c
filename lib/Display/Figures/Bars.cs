namespace PatchKit.Display.Figures;

/// <summary>A bar for each category of the x axis; several such marks stand side by side. A NaN is no bar.</summary>
/// <param name="Name">its entry in the legend.</param>
/// <param name="Values">the bars' heights, in the order of the categories.</param>
public sealed record Bars(string Name, IReadOnlyList<double> Values) : Mark(Name)
{
    /// <summary>Half the length of each bar's error bar; null for none.</summary>
    public IReadOnlyList<double>? Error { get; init; }

    internal double ErrorAt(int i) => Error is { } error && i < error.Count && double.IsFinite(error[i]) ? error[i] : 0;

    internal override IEnumerable<(double X, double Y)> Reach =>
        Values.SelectMany((y, i) => new (double, double)[] { (i, y - ErrorAt(i)), (i, y + ErrorAt(i)), (i, 0) });
}
