using System.Globalization;
using System.Text.RegularExpressions;

namespace PatchKit.Display.Formatting;

/// <summary>Numbers as people read them, in the invariant culture, with a real minus sign.</summary>
internal static partial class Numbers
{
    private const string Superscripts = "⁰¹²³⁴⁵⁶⁷⁸⁹";

    /// <summary>What stands for a number that there is none of.</summary>
    internal const string None = "–";

    /// <summary>A number in a format of .NET; never "-0.0".</summary>
    internal static string Format(double value, string format, bool signed = false)
    {
        if (double.IsNaN(value))
            return None;
        if (double.IsInfinity(value))
            return value > 0 ? "∞" : "−∞";
        string text = Math.Abs(value).ToString(format, CultureInfo.InvariantCulture);
        bool zero = text.All(c => c is not (>= '1' and <= '9'));
        return zero ? text
            : value < 0 ? "−" + text
            : signed ? "+" + text
            : text;
    }

    /// <summary>
    /// Words with a real minus sign before their negative numbers; a hyphen between words or numbers, as in dates,
    /// stays.
    /// </summary>
    internal static string Proper(string words) =>
        words.Contains('-') ? Negative().Replace(words, "−").Replace("+−", "±").Replace("+- ", "± ") : words;

    [GeneratedRegex(@"(?<![\w\-/.])-(?=\.?\d)")]
    private static partial Regex Negative();

    /// <summary>About four digits: "0.8156", "50,176", "86.6 M", "2×10⁻⁵".</summary>
    internal static string Short(double value)
    {
        double size = Math.Abs(value);
        if (!double.IsFinite(value) || size == 0)
            return Format(value, "0");
        if (size is >= 1e15 or < 1e-4)
            return Scientific(value);
        if (size >= 1e6)
            return WithSuffix(value, "0.##");
        return Format(value, size >= 1000 ? "#,0" : "0." + new string('#', Math.Clamp(3 - Exponent(size), 1, 8)));
    }

    /// <summary>Labels for an axis's ticks: equal decimals, and one style for all.</summary>
    internal static string[] Labels(IReadOnlyList<double> ticks, string? format = null)
    {
        if (format is not null)
            return [.. ticks.Select(tick => Format(tick, format))];
        double largest = ticks.Select(Math.Abs).DefaultIfEmpty(0).Max();
        double smallest = ticks.Select(Math.Abs).Where(size => size > 0).DefaultIfEmpty(1).Min();
        if (largest is >= 1e15 or < 1e-3 and > 0 || smallest < 1e-6)
            return [.. ticks.Select(tick => tick == 0 ? "0" : Scientific(tick))];
        if (largest >= 1e6)
            return [.. ticks.Select(tick => WithSuffix(tick, "0.###"))];
        int decimals = Enumerable
            .Range(0, 9)
            .First(d =>
                d == 8 || ticks.All(tick => Math.Abs(tick - Math.Round(tick, d)) <= 1e-9 * Math.Max(largest, 1e-3))
            );
        return [.. ticks.Select(tick => Format(tick, decimals == 0 ? "#,0" : "#,0." + new string('0', decimals)))];
    }

    /// <summary>"10⁻³" or "2×10⁹".</summary>
    internal static string Scientific(double value)
    {
        int exponent = Exponent(Math.Abs(value));
        string digits = Format(value / Math.Pow(10, exponent), "0.##");
        if (digits is "10" or "−10")
            (digits, exponent) = (digits[..^1], exponent + 1);
        string power =
            "10"
            + (exponent < 0 ? "⁻" : "")
            + string.Concat(
                Math.Abs(exponent).ToString(CultureInfo.InvariantCulture).Select(c => Superscripts[c - '0'])
            );
        return digits == "1" ? power
            : digits == "−1" ? "−" + power
            : $"{digits}×{power}";
    }

    private static string WithSuffix(double value, string format)
    {
        double size = Math.Abs(value);
        var (unit, name) =
            size >= 1e12 ? (1e12, " T")
            : size >= 1e9 ? (1e9, " G")
            : size >= 1e6 ? (1e6, " M")
            : size >= 1e3 ? (1e3, " k")
            : (1, "");
        return Format(value / unit, format) + name;
    }

    private static int Exponent(double size) => (int)Math.Floor(Math.Log10(size) + 1e-12);
}
