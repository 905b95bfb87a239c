namespace PatchKit.Display.Formatting;

/// <summary>
/// Colours that people with any colour vision tell apart, on a light page and on a dark one: Okabe and Ito's (Color
/// Universal Design, 2008), without their black, which a dark page swallows, and with their yellow, which a light page
/// does, for areas only.
/// </summary>
public static class Palette
{
    /// <summary>Blue.</summary>
    public const string Blue = "#0072B2";

    /// <summary>Vermillion.</summary>
    public const string Vermillion = "#D55E00";

    /// <summary>Bluish green.</summary>
    public const string Green = "#009E73";

    /// <summary>Reddish purple.</summary>
    public const string Purple = "#CC79A7";

    /// <summary>Orange.</summary>
    public const string Orange = "#E69F00";

    /// <summary>Sky blue.</summary>
    public const string Sky = "#56B4E9";

    /// <summary>Yellow, for areas.</summary>
    public const string Yellow = "#F0E442";

    /// <summary>The colours of lines and points, in the order in which they are given out.</summary>
    public static IReadOnlyList<string> Lines { get; } = [Blue, Vermillion, Green, Purple, Orange, Sky];

    /// <summary>
    /// The colour of a class in a segmentation or of a box: the palette first, then hues as far apart as they come.
    /// </summary>
    public static (byte Red, byte Green, byte Blue) Class(int index)
    {
        string[] first = [Blue, Orange, Green, Purple, Sky, Vermillion, Yellow];
        if (index < 0)
            throw new ArgumentOutOfRangeException(nameof(index), $"a class is numbered from 0, but {index} was given.");
        return index < first.Length
            ? Parse(first[index])
            : Hue(index * 137.508 % 360, index / 12 % 2 == 0 ? 0.85 : 0.6);
    }

    internal static (byte Red, byte Green, byte Blue) Parse(string colour)
    {
        int value = Convert.ToInt32(colour[1..], 16);
        return ((byte)(value >> 16), (byte)(value >> 8), (byte)value);
    }

    internal static string Hex((byte Red, byte Green, byte Blue) colour) =>
        $"#{colour.Red:X2}{colour.Green:X2}{colour.Blue:X2}";

    private static (byte, byte, byte) Hue(double degrees, double value)
    {
        return (At(5), At(3), At(1));

        byte At(int n)
        {
            double k = (n + degrees / 60) % 6;
            return (byte)Math.Round(255 * value * (1 - 0.65 * Math.Max(0, Math.Min(Math.Min(k, 4 - k), 1))));
        }
    }
}
