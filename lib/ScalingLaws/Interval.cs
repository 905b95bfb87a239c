using System.Globalization;

namespace PatchKit.ScalingLaws;

/// <summary>A range of values, both ends included.</summary>
/// <param name="Low">the lower end.</param>
/// <param name="High">the upper end.</param>
public readonly record struct Interval(double Low, double High)
{
    /// <summary>High - low.</summary>
    public double Width => High - Low;

    /// <summary>Whether a value lies in it.</summary>
    public bool Contains(double value) => Low <= value && value <= High;

    /// <summary>"[0.7812, 0.8135]".</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"[{Low:0.0000}, {High:0.0000}]");
}
