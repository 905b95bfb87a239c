namespace PatchKit.Display.Figures;

/// <summary>A few words at a point.</summary>
/// <param name="X">abscissa.</param>
/// <param name="Y">ordinate.</param>
/// <param name="Text">the words.</param>
public sealed record Note(double X, double Y, string Text) : Mark("")
{
    internal override IEnumerable<(double X, double Y)> Reach => [(X, Y)];
}
