namespace PatchKit.Display.Figures;

/// <summary>Round numbers to label an axis with.</summary>
internal static class Ticks
{
    // A number is worth a label if the next one as round is at least this part of a gap away.
    private const double Fineness = 0.2;

    /// <summary>Multiples of 1, 2 or 5 times a power of ten: as many as come nearest to a count from below.</summary>
    internal static IReadOnlyList<double> Linear(double low, double high, double count)
    {
        double rough = (high - low) / Math.Max(count, 1);
        if (!(rough > 0) || !double.IsFinite(rough))
            return [low];
        int exponent = (int)Math.Floor(Math.Log10(rough));
        double step = new[] { 1, 2, 5, 10 }
            .Select(digit => Times(digit, exponent))
            .First(nice => nice >= rough * (1 - 1e-9));
        return Multiples(step, low, high);
    }

    /// <summary>Powers of a base, or every second or third of them, where they are too many.</summary>
    internal static IReadOnlyList<double> Powers(int @base, double low, double high, double count)
    {
        double unit = Math.Log(@base);
        int first = (int)Math.Ceiling(Math.Log(low) / unit - 1e-9),
            last = (int)Math.Floor(Math.Log(high) / unit + 1e-9);
        int stride = Math.Max(1, (int)Math.Ceiling((last - first + 1) / Math.Max(count, 1)));
        return
        [
            .. Enumerable
                .Range(first, Math.Max(0, last - first + 1))
                .Where(exponent => exponent % stride == 0)
                .Select(exponent => @base == 10 ? Times(1, exponent) : Math.Pow(@base, exponent)),
        ];
    }

    /// <summary>
    /// Round numbers as close as a gap allows on an axis that is not linear, the roundest first; where the axis is
    /// wide, no finer than it is wide there.
    /// </summary>
    internal static IReadOnlyList<double> Spaced(double low, double high, Func<double, double> place, double gap)
    {
        var chosen = new List<(double Value, double Place)>();
        int exponent = (int)Math.Floor(Math.Log10(Math.Max(Math.Abs(low), Math.Abs(high))));
        for (int level = 0; level < 5; level++, exponent--)
            foreach (int digit in new[] { 5, 2, 1 })
            {
                double step = Times(digit, exponent);
                if ((high - low) / step > 2000)
                    return Sorted();
                foreach (double value in Multiples(step, low, high))
                {
                    double at = place(value);
                    if (
                        Math.Abs(place(value + step) - at) >= Fineness * gap
                        && chosen.All(other => Math.Abs(other.Place - at) >= gap)
                    )
                        chosen.Add((value, at));
                }
            }
        return Sorted();

        IReadOnlyList<double> Sorted() => [.. chosen.Select(tick => tick.Value).Order()];
    }

    /// <summary>All multiples of a step between two values, each the nearest double to its decimal.</summary>
    private static IReadOnlyList<double> Multiples(double step, double low, double high)
    {
        double first = Math.Ceiling(low / step - 1e-9),
            last = Math.Floor(high / step + 1e-9);
        var values = new List<double>();
        for (double k = first; k <= last; k++)
            values.Add(step >= 1 ? k * step : k / Math.Round(1 / step));
        return values;
    }

    private static double Times(int digit, int exponent) =>
        exponent >= 0 ? digit * Math.Pow(10, exponent) : digit / Math.Pow(10, -exponent);
}
