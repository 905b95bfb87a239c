using CsNotebook.Engine.Formatting;
using Xunit;

namespace Formatting.Tests;

/// <summary>Tests that hold the kernel's formatting against the real one.</summary>
public abstract class FormatTest
{
    private static readonly Lazy<RealFormatting> Real = new(() =>
    {
        Assert.SkipWhen(RealFormatting.Missing is not null, RealFormatting.Missing ?? "");
        return new();
    });

    /// <summary>The MIME types that a type prefers are the real ones.</summary>
    private protected static void AssertSamePreference(Type type) =>
        Assert.Equal(Real.Value.Preferred(type), ConventionFormatters.Preferred(type));

    /// <summary>
    /// The MIME types are the real ones in the same order, with text behind them where it is missing, and so are the
    /// texts.
    /// </summary>
    private protected static void AssertSame(object value)
    {
        string[] mimeTypes = [.. Real.Value.Preferred(value.GetType()).Append("text/plain").Distinct()];
        Assert.Equal(
            mimeTypes.Select(m => (m, Real.Value.Text(value, m))).ToList(),
            Formatters.Format(value).Select(p => (p.Key, p.Value)).ToList()
        );
    }

    /// <summary>So is the text when a MIME type is asked for.</summary>
    private protected static void AssertSame(object value, string mimeType) =>
        Assert.Equal(Real.Value.Text(value, mimeType), Formatters.Format(value, mimeType)[mimeType]);

    /// <summary>Neither shows a value as that HTML; what they show by default is each one's own.</summary>
    private protected static void AssertNotShown(object value, string html)
    {
        Assert.NotEqual(html, Real.Value.Text(value, "text/html"));
        Assert.NotEqual(html, Formatters.Format(value, "text/html")["text/html"]);
    }
}
