using System.Net;
using System.Text.RegularExpressions;

namespace CsNotebook.Notebook;

/// <summary>Links of a notebook to files beside it, seen from the folder of a copy or of a page.</summary>
internal static partial class Links
{
    /// <summary>
    /// Markdown whose links lead from another folder to where they led before; a file of that name that lies there is
    /// preferred.
    /// </summary>
    /// <param name="markdown">the text.</param>
    /// <param name="from">the folder of the notebook that it is from.</param>
    /// <param name="to">the folder that it goes to.</param>
    public static string InMarkdown(string markdown, string from, string to) =>
        MarkdownLink()
            .Replace(
                markdown,
                match => $"]({Moved(match.Groups[1].Value, from, to, page: false)}{match.Groups[2].Value})"
            );

    /// <summary>
    /// HTML whose links lead from a page's folder to where they led before; the page of a notebook that lies there is
    /// preferred.
    /// </summary>
    /// <param name="html">the markup.</param>
    /// <param name="from">the folder of the notebook that it is from.</param>
    /// <param name="to">the page's folder.</param>
    public static string InHtml(string html, string from, string to) =>
        HtmlLink()
            .Replace(
                html,
                match =>
                {
                    string moved = Moved(WebUtility.HtmlDecode(match.Groups[2].Value), from, to, page: true);
                    return $"{match.Groups[1].Value}{WebUtility.HtmlEncode(moved)}{match.Groups[3].Value}\"";
                }
            );

    /// <summary>
    /// HTML whose links within the project lead to where a function says; where it has no answer, their words stay.
    /// </summary>
    /// <param name="html">the markup.</param>
    /// <param name="there">of a file's name and a fragment ("#part" or nothing), the new address or null.</param>
    public static string Redirected(string html, Func<string, string, string?> there) =>
        Anchor()
            .Replace(
                html,
                match =>
                {
                    string link = Uri.UnescapeDataString(WebUtility.HtmlDecode(match.Groups[2].Value)),
                        fragment = match.Groups[3].Value;
                    if (link.Contains(':') || link.StartsWith('/'))
                        return match.Value;
                    return there(link, fragment) is { } address
                        ? $"{match.Groups[1].Value}{WebUtility.HtmlEncode(address)}\"{match.Groups[4].Value}"
                        : match.Groups[5].Value;
                }
            );

    /// <summary>A path that a link may name.</summary>
    public static string Escaped(string path) =>
        Uri.EscapeDataString(path.Replace('\\', '/')).Replace("%2F", "/", StringComparison.Ordinal);

    private static string Moved(string link, string from, string to, bool page)
    {
        string name = Uri.UnescapeDataString(link);
        if (name.Length == 0 || name.Contains(':') || Path.IsPathRooted(name))
            return link;
        string target = Path.Combine(from, name);
        if (
            page
            && name.EndsWith(".ipynb", StringComparison.Ordinal)
            && Path.ChangeExtension(name, ".html") is var made
            && File.Exists(Path.Combine(to, made))
        )
            return Escaped(made);
        if ((!File.Exists(target) && !Directory.Exists(target)) || (!page && File.Exists(Path.Combine(to, name))))
            return link;
        return Escaped(Path.GetRelativePath(to, target));
    }

    [GeneratedRegex(@"\]\(([^)\s#]+)(#[^)\s]*)?\)")]
    private static partial Regex MarkdownLink();

    [GeneratedRegex("(<a [^>]*?href=\")([^\"#]*)(#[^\"]*)?\"([^>]*>(.*?)</a>)", RegexOptions.Singleline)]
    private static partial Regex Anchor();

    [GeneratedRegex("(<a [^>]*?href=\")([^\"#]+)(#[^\"]*)?\"")]
    private static partial Regex HtmlLink();
}
