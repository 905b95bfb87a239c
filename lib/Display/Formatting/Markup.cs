using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.RegularExpressions;

namespace PatchKit.Display.Formatting;

/// <summary>
/// HTML or SVG in the making. What an interpolated string holds between braces is escaped; numbers are written to a
/// hundredth, in the invariant culture.
/// </summary>
internal sealed partial class Markup
{
    // Colours that follow the notebook's theme; the attribute beside them serves where there is no theme, or where a
    // style is stripped.
    internal const string Ink = "#1f2328",
        Paper = "#ffffff";
    internal const string ThemeInk = "var(--vscode-editor-foreground,var(--jp-content-font-color1,#1f2328))";
    internal const string ThemePaper = "var(--vscode-editor-background,var(--jp-layout-color0,#ffffff))";
    internal const string InkFill = $"fill='{Ink}' style='fill:{ThemeInk}'",
        InkStroke = $"stroke='{Ink}' style='stroke:{ThemeInk}'";
    internal const string PaperFill = $"fill='{Paper}' style='fill:{ThemePaper}'",
        PaperStroke = $"stroke='{Paper}' style='stroke:{ThemePaper}'";
    internal const string InkArea = $"fill='{Ink}' stroke='{Ink}' style='fill:{ThemeInk};stroke:{ThemeInk}'";
    internal const string Font = "system-ui,-apple-system,Segoe UI,Helvetica Neue,Arial,sans-serif";

    // Of an image that is a document of its own: what a page's scheme makes of ink and paper, by one letter each.
    private const string Sheet =
        "<style>.i{fill:#1f2328}.j{stroke:#1f2328}.p{fill:#fff}.q{stroke:#fff}"
        + "@media(prefers-color-scheme:dark){.i{fill:#e6e6e6}.j{stroke:#e6e6e6}"
        + ".p{fill:#1e1e1e}.q{stroke:#1e1e1e}}</style>";

    private readonly StringBuilder _text = new();

    /// <summary>Adds markup whose interpolated values are escaped.</summary>
    internal Markup Add([InterpolatedStringHandlerArgument("")] Handler text) => this;

    /// <summary>Adds text as it is.</summary>
    internal Markup Raw(string text)
    {
        _text.Append(text);
        return this;
    }

    /// <summary>Adds prose: what stands between backticks is code, and numbers have a real minus sign.</summary>
    internal Markup Prose(string text)
    {
        string[] parts = text.Split('`');
        for (int i = 0; i < parts.Length; i++)
            if (i % 2 == 1 && i < parts.Length - 1)
                Add($"<code>{parts[i]}</code>");
            else
                Add($"{(i % 2 == 1 ? "`" : "")}{Numbers.Proper(parts[i])}");
        return this;
    }

    public override string ToString() => _text.ToString();

    /// <summary>
    /// A drawing as a document of its own, for an img element: theme colours by a style sheet in place of the page's
    /// variables, and without the titles that only a pointer finds, as an image shows none.
    /// </summary>
    internal static string Alone(string svg)
    {
        svg = Titles()
            .Replace(svg, "")
            .Replace("/></circle>", "/>")
            .Replace("></path>", "/>")
            .Replace("></rect>", "/>")
            .Replace("></circle>", "/>");
        foreach (
            var (look, letter) in new[]
            {
                (InkFill, "i"),
                (InkStroke, "j"),
                (PaperFill, "p"),
                (PaperStroke, "q"),
                (InkArea, "i j"),
            }
        )
            svg = svg.Replace(look, $"class='{letter}'");
        svg = svg.Replace($"stroke='{Paper}' fill='{Ink}' style='stroke:{ThemePaper};fill:{ThemeInk}'", "class='i q'");
        int end = svg.IndexOf('>') + 1;
        return svg[..end] + Sheet + svg[end..];
    }

    [GeneratedRegex("<(title|desc)>[^<]*</\\1>")]
    private static partial Regex Titles();

    internal static string Escape(string text) =>
        text.Replace("&", "&amp;")
            .Replace("<", "&lt;")
            .Replace(">", "&gt;")
            .Replace("\"", "&quot;")
            .Replace("'", "&#39;");

    [InterpolatedStringHandler]
    internal readonly ref struct Handler
    {
        private readonly StringBuilder _text;

        public Handler(int literalLength, int formattedCount, Markup markup) => _text = markup._text;

        public void AppendLiteral(string text) => _text.Append(text);

        public void AppendFormatted(string? text) => _text.Append(Escape(text ?? ""));

        public void AppendFormatted(int value) => _text.Append(CultureInfo.InvariantCulture, $"{value}");

        public void AppendFormatted(double value)
        {
            double rounded = Math.Round(value, 2);
            _text.Append(CultureInfo.InvariantCulture, $"{(rounded == 0 ? 0 : rounded):0.##}");
        }

        public void AppendFormatted(Markup inner) => _text.Append(inner._text);
    }
}
