namespace Microsoft.DotNet.Interactive;

/// <summary>The formatters of <see cref="HtmlString"/>, by the convention that any library can follow.</summary>
public sealed class HtmlStringFormatterSource
{
    /// <summary>One formatter: text/html.</summary>
    public IEnumerable<object> CreateTypeFormatters() => [new Html()];

    private sealed class Html
    {
        public string MimeType => "text/html";

        public bool Format(object value, TextWriter writer)
        {
            writer.Write(value);
            return true;
        }
    }
}
