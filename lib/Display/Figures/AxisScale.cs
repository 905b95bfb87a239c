using PatchKit.Display.Figures;
using PatchKit.Display.Formatting;

namespace PatchKit.Display.Figures;

/// <summary>An axis fitted to its data: where each value lies, from 0 to 1, and where the ticks stand.</summary>
internal sealed class AxisScale
{
    private const double Margin = 0.05;
    private readonly double _low,
        _high;

    /// <param name="axis">the axis.</param>
    /// <param name="values">what it must reach; NaNs and what has no place on a logarithmic axis do not count.</param>
    /// <param name="tight">whether it ends at its data, as for a heat map, or a little beyond.</param>
    /// <param name="pixels">its length.</param>
    /// <param name="spacing">the least distance between two labels.</param>
    /// <exception cref="ArgumentException">The axis's own limits are no interval, or have no place on it.</exception>
    internal AxisScale(Axis axis, IEnumerable<double> values, bool tight, double pixels, double spacing)
    {
        Axis = axis;
        (_low, _high) = Fit([.. values.Select(Forward).Where(double.IsFinite)], tight);
        IsEmpty = !values.Select(Forward).Any(double.IsFinite);
        Ticks = Label(pixels, spacing);
    }

    internal Axis Axis { get; }

    /// <summary>Whether nothing was given that could be drawn.</summary>
    internal bool IsEmpty { get; }

    internal IReadOnlyList<Tick> Ticks { get; }

    /// <summary>The values at its ends, the smaller first.</summary>
    internal (double Low, double High) Ends => (Back(_low), Back(_high));

    /// <summary>A value's place, from 0 to 1; NaN where it has none.</summary>
    internal double At(double value)
    {
        double place = (Forward(value) - _low) / (_high - _low);
        return !double.IsFinite(place) ? double.NaN
            : Axis.Reversed ? 1 - place
            : place;
    }

    /// <summary>Where a bar begins: at 0, or where the axis does.</summary>
    internal double Base =>
        Axis.IsLog
            ? Axis.Reversed
                ? 1
                : 0
            : Math.Clamp(At(0), 0, 1);

    /// <summary>Whether a value lies between the ends.</summary>
    internal bool Holds(double value) => At(value) is >= -1e-9 and <= 1 + 1e-9;

    /// <summary>Whether a value is a number that this axis has no place for.</summary>
    internal bool Refuses(double value) => !double.IsNaN(value) && double.IsNaN(Forward(value));

    private double Forward(double value) =>
        !double.IsFinite(value) ? double.NaN
        : !Axis.IsLog ? value
        : value > Axis.Floor ? Math.Log(value - Axis.Floor)
        : double.NaN;

    private double Back(double place) => Axis.IsLog ? Axis.Floor + Math.Exp(place) : place;

    private (double Low, double High) Fit(double[] places, bool tight)
    {
        if (Axis.Categories is { Count: > 0 } names)
            return (-0.5, names.Count - 0.5);
        double low = places.DefaultIfEmpty(0).Min(),
            high = places.DefaultIfEmpty(Axis.IsLog ? Math.Log(10) : 1).Max();
        if (high - low <= 1e-12 * Math.Max(Math.Abs(low), Math.Abs(high)))
        {
            double spread =
                Axis.IsLog ? 0.5
                : low == 0 ? 1
                : Math.Abs(low) * 0.1;
            (low, high) = (low - spread, high + spread);
        }
        else if (!tight)
        {
            double margin = Margin * (high - low);
            (low, high) = (!Axis.IsLog && low == 0 ? 0 : low - margin, !Axis.IsLog && high == 0 ? 0 : high + margin);
        }
        if (Axis.Min is { } min)
            low = Forward(min);
        if (Axis.Max is { } max)
            high = Forward(max);
        if (low < high)
            return (low, high);
        throw new ArgumentException(
            double.IsNaN(low) || double.IsNaN(high)
                ? $"the limits of the axis '{Axis.Label}', {Limit(Axis.Min)} to {Limit(Axis.Max)}, must lie "
                    + $"above {Numbers.Short(Axis.Floor)} on its logarithmic scale; raise Min."
                : $"the axis '{Axis.Label}' would run from {Numbers.Short(Back(low))} "
                    + $"to {Numbers.Short(Back(high))}; let Min be less than Max and near the data."
        );

        static string Limit(double? value) => value is { } given ? Numbers.Short(given) : "that of the data";
    }

    private IReadOnlyList<Tick> Label(double pixels, double spacing)
    {
        if (Axis.Categories is { } names)
            return [.. names.Select((name, i) => new Tick(i, name))];
        var (low, high) = Ends;
        if (Axis.Ticks is { } own)
            return Labelled([.. own.Where(Holds)]);
        if (!Axis.IsLog)
            return Labelled(Figures.Ticks.Linear(low, high, pixels / spacing));
        double decades = (_high - _low) / Math.Log(10);
        if (Axis.Floor != 0 || Axis.Base == 10 && decades < 1.5)
            return Labelled(Figures.Ticks.Spaced(low, high, value => At(value) * pixels, spacing));
        var powers = Figures.Ticks.Powers(Axis.Base, low, high, pixels / spacing * (Axis.Base == 10 ? 1 : 2));
        if (Axis.Base != 10)
            return Labelled(powers);
        if (decades < 3 && pixels / spacing > 3 * decades)
            return Labelled([
                .. Figures
                    .Ticks.Powers(10, low / 10, high, 99)
                    .SelectMany(power => new[] { power, 2 * power, 5 * power })
                    .Where(Holds),
            ]);
        var minor =
            decades > 8
                ? []
                : Figures
                    .Ticks.Powers(10, low / 10, high, 99)
                    .SelectMany(power => Enumerable.Range(1, 9).Select(digit => digit * power))
                    .Where(Holds);
        return [.. Labelled(powers), .. minor.Except(powers).Select(value => new Tick(value, ""))];
    }

    private IReadOnlyList<Tick> Labelled(IReadOnlyList<double> values)
    {
        if (
            Axis.IsLog
            && Axis.Floor == 0
            && Axis.Format is null
            && Axis.Base == 10
            && values.Count > 1
            && values[^1] / values[0] > 100
        )
            return
            [
                .. values.Select(value => new Tick(
                    value,
                    values[0] >= 0.001 && values[^1] < 1e5
                        ? Numbers.Format(value, "#,0.###")
                        : Numbers.Scientific(value)
                )),
            ];
        var labels = Numbers.Labels(values, Axis.Format);
        return [.. values.Select((value, i) => new Tick(value, labels[i]))];
    }
}

/// <summary>A tick of an axis.</summary>
/// <param name="Value">where.</param>
/// <param name="Label">what stands beside it; empty for a minor tick.</param>
internal readonly record struct Tick(double Value, string Label);
