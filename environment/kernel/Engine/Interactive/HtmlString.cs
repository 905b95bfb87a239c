using System.Net;
using CsNotebook.Engine.Formatting;

namespace Microsoft.DotNet.Interactive;

/// <summary>HTML that shows as it is.</summary>
[TypeFormatterSource(typeof(HtmlStringFormatterSource))]
public sealed class HtmlString(string content)
{
    /// <summary>The HTML.</summary>
    public string Content => content;

    /// <summary>The HTML.</summary>
    public override string ToString() => content;

    /// <summary>Text as HTML that shows that text.</summary>
    public static HtmlString Encode(string text) => new(WebUtility.HtmlEncode(text));
}
