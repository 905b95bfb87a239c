namespace PatchKit.Display.Formatting;

/// <summary>The MIME types that a notebook's output may hold.</summary>
public static class Mime
{
    /// <summary>A chart that plotly.js draws.</summary>
    public const string Plotly = "application/vnd.plotly.v1+json";

    /// <summary>HTML.</summary>
    public const string Html = "text/html";

    /// <summary>A drawing.</summary>
    public const string Svg = "image/svg+xml";

    /// <summary>Pixels, in base64.</summary>
    public const string Png = "image/png";

    /// <summary>Markdown.</summary>
    public const string Markdown = "text/markdown";

    /// <summary>Text.</summary>
    public const string Text = "text/plain";

    internal static ArgumentException Unknown(object value, string mimeType) =>
        new($"a {value.GetType().Name} has no form of type {mimeType}.", nameof(mimeType));
}
