namespace PatchKit.Display.Formatting;

/// <summary>A colour map over a range of values.</summary>
internal sealed class ColourScale
{
    private static readonly (byte Red, byte Green, byte Blue)[] s_viridis =
    [
        .. new[]
        {
            "#440154",
            "#482878",
            "#3E4989",
            "#31688E",
            "#26828E",
            "#1F9E89",
            "#35B779",
            "#6ECE58",
            "#B5DE2B",
            "#FDE725",
        }.Select(Palette.Parse),
    ];
    private static readonly (byte Red, byte Green, byte Blue)[] s_diverging =
    [
        .. new[] { "#00588A", "#6AA9D0", "#F4F4F4", "#E79A63", "#A84A00" }.Select(Palette.Parse),
    ];
    private static readonly (byte Red, byte Green, byte Blue)[] s_grey = [(0, 0, 0), (255, 255, 255)];

    private readonly (byte Red, byte Green, byte Blue)[] _stops;

    /// <summary>A map over the finite ones of some values, or over a range.</summary>
    internal ColourScale(ColourMap map, IEnumerable<double> values, (double Low, double High)? range = null)
    {
        _stops = map switch
        {
            ColourMap.Diverging => s_diverging,
            ColourMap.Grey => s_grey,
            _ => s_viridis,
        };
        (Low, High) = (double.PositiveInfinity, double.NegativeInfinity);
        foreach (double value in values)
            if (double.IsFinite(value))
                (Low, High) = (Math.Min(Low, value), Math.Max(High, value));
        if (Low > High)
            (Low, High) = (0, 1);
        if (map == ColourMap.Diverging)
            (Low, High) = (-Math.Max(-Low, High), Math.Max(-Low, High));
        if (range is { } given)
            (Low, High) = given;
    }

    internal double Low { get; }

    internal double High { get; }

    /// <summary>The stops, from 0 to 1.</summary>
    internal IEnumerable<(double At, string Colour)> Stops =>
        _stops.Select((stop, i) => (i / (_stops.Length - 1.0), Palette.Hex(stop)));

    /// <summary>A value's colour; beyond the range, that of its end.</summary>
    internal (byte Red, byte Green, byte Blue) At(double value)
    {
        double place =
            High > Low
                ? Math.Clamp((value - Low) / (High - Low), 0, 1) * (_stops.Length - 1)
                : (_stops.Length - 1) / 2.0;
        int i = Math.Min((int)place, _stops.Length - 2);
        var (from, to, t) = (_stops[i], _stops[i + 1], place - i);
        return (Mix(from.Red, to.Red), Mix(from.Green, to.Green), Mix(from.Blue, to.Blue));

        byte Mix(byte a, byte b) => (byte)Math.Round(a + t * (b - a));
    }
}

/// <summary>How numbers become colours.</summary>
public enum ColourMap
{
    /// <summary>Dark violet to yellow, lighter as it grows, whatever one's colour vision.</summary>
    Viridis,

    /// <summary>Blue below the middle, white in it, vermillion above it; for differences. The middle is 0.</summary>
    Diverging,

    /// <summary>Black to white.</summary>
    Grey,
}
