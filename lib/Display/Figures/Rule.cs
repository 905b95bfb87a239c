namespace PatchKit.Display.Figures;

/// <summary>A line across the panel at one value, such as chance level, with a few words at its end.</summary>
/// <param name="Value">where it lies.</param>
/// <param name="Text">the words.</param>
/// <param name="Vertical">whether the value is on the x axis.</param>
public sealed record Rule(double Value, string Text, bool Vertical = false) : Mark("")
{
    internal override IEnumerable<(double X, double Y)> Reach => [Vertical ? (Value, double.NaN) : (double.NaN, Value)];
}
