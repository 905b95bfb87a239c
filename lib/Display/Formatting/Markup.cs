using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace PatchKit.Display;

/// <summary>HTML or SVG in the making. What an interpolated string holds between braces is escaped; numbers are written to a hundredth, in the invariant culture.</summary>
internal sealed class Markup
{
    // Colours that follow the notebook's theme; the attribute beside them serves where there is no theme, or where a style is stripped.
    internal const string Ink = "#1f2328", Paper = "#ffffff";
    internal const string ThemeInk = "var(--vscode-editor-foreground,var(--jp-content-font-color1,#1f2328))";
    internal const string ThemePaper = "var(--vscode-editor-background,var(--jp-layout-color0,#ffffff))";
    internal const string InkFill = $"fill='{Ink}' style='fill:{ThemeInk}'", InkStroke = $"stroke='{Ink}' style='stroke:{ThemeInk}'";
    internal const string PaperFill = $"fill='{Paper}' style='fill:{ThemePaper}'", PaperStroke = $"stroke='{Paper}' style='stroke:{ThemePaper}'";
    internal const string Font = "system-ui,-apple-system,Segoe UI,Helvetica Neue,Arial,sans-serif";

    private readonly StringBuilder _text = new();

    /// <summary>Adds markup whose interpolated values are escaped.</summary>
    internal Markup Add([InterpolatedStringHandlerArgument("")] Handler text) => this;

    /// <summary>Adds text as it is.</summary>
    internal Markup Raw(string text)
    {
        _text.Append(text);
        return this;
    }

    public override string ToString() => _text.ToString();

    internal static string Escape(string text) =>
        text.Replace("&", "&amp;").Replace("<", "&lt;").Replace(">", "&gt;").Replace("\"", "&quot;").Replace("'", "&#39;");

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
