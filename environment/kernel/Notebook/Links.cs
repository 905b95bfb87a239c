using System.Net;
using System.Text.RegularExpressions;

namespace CsNotebook.Notebook;

/// <summary>Links of a notebook to files beside it, seen from the folder of a copy or of a page.</summary>
internal static partial class Links
{
    /// <summary>Markdown whose links lead from another folder to where they led before; a file of that name that lies there is preferred.</summary>
    /// <param name="markdown">The text.</param>
    /// <param name="from">The folder of the notebook that it is from.</param>
    /// <param name="to">The folder that it goes to.</param>
    public static string InMarkdown(string markdown, string from, string to) =>
        MarkdownLink().Replace(markdown, match => $"]({Moved(match.Groups[1].Value, from, to, page: false)}{match.Groups[2].Value})");

    /// <summary>HTML whose links lead from a page's folder to where they led before; the page of a notebook that lies there is preferred.</summary>
    /// <param name="html">The markup.</param>
    /// <param name="from">The folder of the notebook that it is from.</param>
    /// <param name="to">The page's folder.</param>
    public static string InHtml(string html, string from, string to) =>
        HtmlLink().Replace(html, match =>
            $"{match.Groups[1].Value}{WebUtility.HtmlEncode(Moved(WebUtility.HtmlDecode(match.Groups[2].Value), from, to, page: true))}{match.Groups[3].Value}\"");

    private static string Moved(string link, string from, string to, bool page)
    {
        string name = Uri.UnescapeDataString(link);
        if (name.Length == 0 || name.Contains(':') || Path.IsPathRooted(name))
            return link;
        string target = Path.Combine(from, name);
        if (page && name.EndsWith(".ipynb", StringComparison.Ordinal) && Path.ChangeExtension(name, ".html") is var made && File.Exists(Path.Combine(to, made)))
            return Uri.EscapeDataString(made).Replace("%2F", "/", StringComparison.Ordinal);
        if ((!File.Exists(target) && !Directory.Exists(target)) || (!page && File.Exists(Path.Combine(to, name))))
            return link;
        string seen = Path.GetRelativePath(to, target).Replace('\\', '/');
        return Uri.EscapeDataString(seen).Replace("%2F", "/", StringComparison.Ordinal);
    }

    [GeneratedRegex(@"\]\(([^)\s#]+)(#[^)\s]*)?\)")]
    private static partial Regex MarkdownLink();

    [GeneratedRegex("(<a [^>]*?href=\")([^\"#]+)(#[^\"]*)?\"")]
    private static partial Regex HtmlLink();
}
