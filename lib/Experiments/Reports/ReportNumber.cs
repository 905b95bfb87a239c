using System.Globalization;

namespace PatchKit.Experiments.Reports;

/// <summary>Numbers as reports write them.</summary>
internal static class ReportNumber
{
    /// <summary>"1.234", such as a loss in nats.</summary>
    internal static string Number(double value) => value.ToString("0.000", CultureInfo.InvariantCulture);

    /// <summary>"+0.012", a difference of such numbers.</summary>
    internal static string Signed(double value) => value.ToString("+0.000;-0.000", CultureInfo.InvariantCulture);

    /// <summary>"45.6" for a share of .456.</summary>
    internal static string Percent(double part) => (100 * part).ToString("0.0", CultureInfo.InvariantCulture);

    /// <summary>"+1.2" for a difference of .012 between shares.</summary>
    internal static string Points(double part) => (100 * part).ToString("+0.0;-0.0;0.0", CultureInfo.InvariantCulture);

    /// <summary>"12,345".</summary>
    internal static string Whole(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>"1.234 .. 1.345", or "one seed".</summary>
    internal static string Span(IReadOnlyCollection<double> values, Func<double, string> text) =>
        values.Count > 1 ? $"{text(values.Min())} .. {text(values.Max())}" : "one seed";
}
