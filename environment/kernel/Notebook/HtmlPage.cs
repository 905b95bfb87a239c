using System.Globalization;
using System.Net;
using System.Reflection;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CsNotebook.Engine;
using CsNotebook.Engine.Formatting;
using Markdig;

namespace CsNotebook.Notebook;

/// <summary>A notebook as one HTML file that needs nothing else: styles and images are in it.</summary>
public static partial class HtmlPage
{
    private static readonly MarkdownPipeline Markdown = new MarkdownPipelineBuilder()
        .UsePipeTables()
        .UseAutoLinks()
        .UseEmphasisExtras()
        .UseFootnotes()
        .UseTaskLists()
        .UseMathematics()
        .UseAutoIdentifiers()
        .Build();

    /// <summary>The representations that a page can show, the preferred first.</summary>
    private static readonly string[] Preferred =
    [
        "text/html",
        "image/svg+xml",
        "image/png",
        "image/jpeg",
        "image/gif",
        "text/markdown",
        "text/latex",
        "application/json",
        "text/plain",
    ];

    /// <summary>The styles of a page.</summary>
    internal static string Style
    {
        get
        {
            using var style = new StreamReader(Assembly.GetExecutingAssembly().GetManifestResourceStream("page.css")!);
            return style.ReadToEnd();
        }
    }

    /// <summary>
    /// Renders a notebook. A page with charts that are no images carries plotly.js, once, where this machine has it.
    /// </summary>
    /// <param name="notebook">the notebook, executed or not.</param>
    /// <param name="title">the page's title, where the notebook has no heading.</param>
    /// <param name="folder">the notebook's folder, where images that Markdown cells name are looked for.</param>
    /// <param name="pageFolder">where the page is to lie, from where its links shall lead to the same files; null for
    /// the notebook's folder.</param>
    public static string Render(NotebookFile notebook, string title, string folder, string? pageFolder = null)
    {
        string body = Body(notebook, folder, html => Links.InHtml(html, folder, pageFolder ?? folder));
        bool charts = body.Contains(Engine.Formatting.PlotlyCharts.Beginning, StringComparison.Ordinal);
        string script =
            charts && PlotlyScript.Find(folder) is { } plotly ? Engine.Formatting.PlotlyCharts.OnPage(plotly) : "";
        return $"""
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>{Encode(Title(notebook) ?? title)}</title>
            <style>
            {Style}</style>
            </head>
            <body>
            <main>
            {body}</main>
            {script}</body>
            </html>

            """;
    }

    /// <summary>A notebook's first heading, as it is written; null where it has none.</summary>
    internal static string? Title(NotebookFile notebook) =>
        notebook
            .Cells.Where(c => c.Type == "markdown")
            .Select(c => Heading(c.Source))
            .FirstOrDefault(heading => heading is not null);

    /// <summary>The first heading of a Markdown text; null where it has none.</summary>
    internal static string? Heading(string text) =>
        text.Split('\n').FirstOrDefault(line => line.StartsWith("# ", StringComparison.Ordinal))?[2..].Trim();

    /// <summary>A notebook's cells as sections.</summary>
    /// <param name="notebook">the notebook.</param>
    /// <param name="folder">its folder.</param>
    /// <param name="links">leads the links of its Markdown to where they lead from the page.</param>
    internal static string Body(NotebookFile notebook, string folder, Func<string, string> links)
    {
        var body = new StringBuilder();
        foreach (var cell in notebook.Cells)
        {
            if (cell.IsCode)
                Code(cell, body);
            else if (cell.Type == "markdown")
                body.Append("<section class=\"markdown\">\n")
                    .Append(links(MarkdownHtml(cell, folder)))
                    .Append("</section>\n");
        }
        return body.ToString();
    }

    /// <summary>Markdown as HTML, with the images of a folder in it.</summary>
    internal static string MarkdownHtml(string markdown, string folder) =>
        WithImages(markdown, folder, attachments: null);

    private static void Code(NotebookCell cell, StringBuilder body)
    {
        body.Append("<section class=\"code\">\n");
        if (cell.Source.Length > 0)
        {
            string note = string.Join(
                " ",
                new[] { cell.ExecutionCount is { } n ? $"[{n}]" : "", Took(cell) }.Where(s => s.Length > 0)
            );
            string source = $"<pre class=\"source\"><code>{CodeHighlight.ToHtml(cell.Source)}</code></pre>\n";
            string what = cell.Tags.Contains("exercise") ? "Solution" : "Code";
            body.Append($"<div class=\"note\">{note}</div>\n")
                .Append(cell.IsFolded ? $"<details><summary>{what}</summary>\n{source}</details>\n" : source);
        }
        foreach (var output in cell.Outputs.OfType<JsonObject>())
            Output(output, body);
        body.Append("</section>\n");
    }

    private static void Output(JsonObject output, StringBuilder body)
    {
        switch (JsonText.Of(output["output_type"]))
        {
            case "stream":
                body.Append(
                    $"<pre class=\"output {output["name"]}\">{Encode(Plain(MultiLine.Join(output["text"])))}</pre>\n"
                );
                break;
            case "error":
                var lines = output["traceback"] is JsonArray { Count: > 0 } trace
                    ? trace.Select(MultiLine.Join)
                    : [$"{output["ename"]}: {output["evalue"]}"];
                body.Append($"<pre class=\"output error\">{Encode(Plain(string.Join('\n', lines)))}</pre>\n");
                break;
            case "display_data" or "execute_result" when output["data"] is JsonObject data:
                // What is said of plotly.js in a notebook is not so here.
                if (Best(data) is var shown && !shown.Contains(PlotlyScript.Note, StringComparison.Ordinal))
                    body.Append($"<div class=\"output\">{shown}</div>\n");
                break;
        }
    }

    private static string Best(JsonObject data)
    {
        string mimeType = Preferred.FirstOrDefault(data.ContainsKey) ?? data.FirstOrDefault().Key ?? "";
        string text = Engine.MimeBundle.IsJson(mimeType)
            ? data[mimeType]?.ToString() ?? ""
            : MultiLine.Join(data[mimeType]);
        return mimeType switch
        {
            "text/html" => text,
            "image/svg+xml" => XmlProlog().Replace(text, ""),
            "image/png" or "image/jpeg" or "image/gif" =>
                $"<img alt=\"{Alternative(data)}\" src=\"data:{mimeType};base64,{text.ReplaceLineEndings("")}\">",
            "text/markdown" => Markdig.Markdown.ToHtml(text, Markdown),
            _ => $"<pre>{Encode(Plain(text))}</pre>",
        };
    }

    /// <summary>What stands for an image that cannot be seen: the first line of its words.</summary>
    private static string Alternative(JsonObject data) =>
        MultiLine
            .Join(data["text/plain"])
            .Split('\n')
            .Select(line => line.Trim())
            .FirstOrDefault(line => line.Length > 0)
            is { } words
            ? Encode(words)
            : "output";

    private static string MarkdownHtml(NotebookCell cell, string folder) =>
        WithImages(cell.Source, folder, cell.Json["attachments"] as JsonObject);

    private static string WithImages(string markdown, string folder, JsonObject? attachments)
    {
        // Without a typesetter on board, formulas are shown as they are written.
        string html = MathDelimiters().Replace(Markdig.Markdown.ToHtml(markdown, Markdown), "$1$2$3");
        return ImageSource()
            .Replace(
                html,
                match =>
                {
                    string name = WebUtility.HtmlDecode(match.Groups[2].Value);
                    if (
                        name.StartsWith("attachment:", StringComparison.Ordinal)
                        && attachments?[Uri.UnescapeDataString(name["attachment:".Length..])]
                            is JsonObject { Count: > 0 } attachment
                    )
                    {
                        var (mimeType, data) = attachment.First();
                        return $"{match.Groups[1].Value}data:{mimeType};base64,"
                            + $"{MultiLine.Join(data).ReplaceLineEndings("")}\"";
                    }
                    string path = Path.Combine(folder, Uri.UnescapeDataString(name));
                    return !name.Contains(':') && File.Exists(path)
                        ? $"{match.Groups[1].Value}data:{ImageType(path)};base64,"
                            + $"{Convert.ToBase64String(File.ReadAllBytes(path))}\""
                        : match.Value;
                }
            );
    }

    private static string Took(NotebookCell cell) =>
        cell.Took is not { TotalSeconds: >= 0.1 } took ? ""
        : took.TotalMinutes < 2 ? string.Create(CultureInfo.InvariantCulture, $"{took.TotalSeconds:0.0} s")
        : string.Create(CultureInfo.InvariantCulture, $"{took.TotalMinutes:0.0} min");

    private static string ImageType(string path) =>
        Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".svg" => "image/svg+xml",
            ".jpg" or ".jpeg" => "image/jpeg",
            ".gif" => "image/gif",
            ".webp" => "image/webp",
            _ => "image/png",
        };

    private static string Plain(string text) => Colours().Replace(text, "");

    private static string Encode(string text) => WebUtility.HtmlEncode(text);

    [GeneratedRegex(@"\x1b\[[0-9;]*[A-Za-z]")]
    private static partial Regex Colours();

    [GeneratedRegex(@"^\s*(<\?xml[^>]*\?>\s*)?(<!DOCTYPE[^>]*>\s*)?")]
    private static partial Regex XmlProlog();

    [GeneratedRegex(@"(<(?:span|div) class=""math"">)\s*\\[(\[]\s*(.*?)\s*\\[)\]]\s*(</)", RegexOptions.Singleline)]
    private static partial Regex MathDelimiters();

    [GeneratedRegex("(<img[^>]*?src=\")([^\"]+)\"")]
    private static partial Regex ImageSource();
}
