using PatchKit.Display.Formatting;

namespace PatchKit.Display.Figures;

/// <summary>An axis. It says what it measures and in what unit.</summary>
/// <param name="Label">the quantity.</param>
/// <param name="Unit">its unit; null where it has none.</param>
public sealed record Axis(string Label, string? Unit = null)
{
    /// <summary>Whether equal ratios are equally long.</summary>
    public bool IsLog { get; init; }

    /// <summary>
    /// What a logarithmic axis starts from: places go by log(value - floor), as on the paper's Figure 1.
    /// </summary>
    public double Floor { get; init; }

    /// <summary>Ticks of a logarithmic axis are powers of this: 10, or 2 for patch sizes.</summary>
    public int Base { get; init; } = 10;

    /// <summary>The least value shown; null to fit the data.</summary>
    public double? Min { get; init; }

    /// <summary>The largest value shown; null to fit the data.</summary>
    public double? Max { get; init; }

    /// <summary>Where the ticks stand; null for round numbers.</summary>
    public IReadOnlyList<double>? Ticks { get; init; }

    /// <summary>
    /// A .NET format for the ticks' labels, such as "0%"; null for as many digits as tell them apart.
    /// </summary>
    public string? Format { get; init; }

    /// <summary>Whether values grow to the left, or downwards.</summary>
    public bool Reversed { get; init; }

    /// <summary>Names for the values 0, 1, 2...; null for an axis of numbers.</summary>
    public IReadOnlyList<string>? Categories { get; init; }

    /// <summary>A logarithmic axis.</summary>
    public static Axis Log(string label, string? unit = null, double floor = 0) =>
        new(label, unit) { IsLog = true, Floor = floor };

    /// <summary>An axis of powers of two, such as patch sizes.</summary>
    public static Axis PowersOfTwo(string label, string? unit = null) => new(label, unit) { IsLog = true, Base = 2 };

    /// <summary>
    /// The axis of patch sizes, in pixels: powers of two, the smaller to the right, where the tokens are more.
    /// </summary>
    public static Axis PatchSizes { get; } = PowersOfTwo("patch size", "pixels") with { Reversed = true };

    /// <summary>An axis of names.</summary>
    public static Axis Named(string label, params IReadOnlyList<string> categories) =>
        new(label) { Categories = categories };

    /// <summary>"test loss (nats), log above 0.801".</summary>
    public override string ToString() =>
        Label
        + (Unit is null ? "" : $" ({Unit})")
        + (IsLog && Floor != 0 ? $", log above {Numbers.Format(Floor, "0.####")}" : "");
}
