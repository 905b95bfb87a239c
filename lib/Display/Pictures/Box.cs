namespace PatchKit.Display.Pictures;

/// <summary>A box in a picture, in its pixels; right and bottom exclusive.</summary>
/// <param name="Left">the first column.</param>
/// <param name="Top">the first row.</param>
/// <param name="Right">the column after the last.</param>
/// <param name="Bottom">the row after the last.</param>
/// <param name="Label">what stands at its corner.</param>
public sealed record Box(double Left, double Top, double Right, double Bottom, string Label = "")
{
    /// <summary>The number of its class, which decides the colour.</summary>
    public int Class { get; init; }

    /// <summary>Whether it is dashed, as the annotators' are beside a model's.</summary>
    public bool IsDashed { get; init; }
}
