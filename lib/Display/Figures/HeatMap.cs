using PatchKit.Display.Formatting;

namespace PatchKit.Display.Figures;

/// <summary>A matrix as colours: column j at x = j, row i at y = i. A NaN is left blank.</summary>
/// <param name="Values">(rows, columns).</param>
/// <param name="Quantity">what the values are, with their unit, beside the colour bar.</param>
public sealed record HeatMap(double[,] Values, string Quantity) : Mark("")
{
    /// <summary>How values become colours.</summary>
    public ColourMap Map { get; init; }

    /// <summary>The values at the colour bar's ends; null for the smallest and largest.</summary>
    public (double Low, double High)? Range { get; init; }

    /// <summary>
    /// A .NET format for the numbers in its cells, where these are large enough to hold them; null for about four
    /// digits.
    /// </summary>
    public string? Format { get; init; }

    internal int Rows => Values.GetLength(0);

    internal int Columns => Values.GetLength(1);

    /// <summary>The number in a cell; nothing where there is none.</summary>
    internal string NumberAt(int row, int column) =>
        Values[row, column] is var value && double.IsNaN(value) ? ""
        : Format is null ? Numbers.Short(double.Round(value, 3))
        : Numbers.Format(value, Format);

    internal ColourScale Colours => new(Map, Values.Cast<double>(), Range);

    internal override IEnumerable<(double X, double Y)> Reach =>
        Values.Length == 0 ? [] : [(-0.5, -0.5), (Columns - 0.5, Rows - 0.5)];
}
