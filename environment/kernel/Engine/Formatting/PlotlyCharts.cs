using System.IO.Compression;
using System.Net;
using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CsNotebook.Notebook;

namespace CsNotebook.Engine.Formatting;

/// <summary>
/// Charts of Plotly.NET, which the kernel does not reference. As plotly's JSON for front ends that draw it, as HTML
/// that is a table of the data until plotly.js (see <see cref="PageScripts"/>) draws it, and in words.
/// </summary>
internal static partial class PlotlyCharts
{
    /// <summary>plotly's JSON, by the name that Jupyter's and VS Code's renderers know.</summary>
    public const string MimeType = "application/vnd.plotly.v1+json";

    /// <summary>How a chart's HTML begins, wherever it stands.</summary>
    public const string Beginning = "<div class=\"chart\" data-figure=\"";

    private const string TypeName = "Plotly.NET.GenericChart";

    /// <summary>The most rows of data that stand for a chart.</summary>
    private const int MostRows = 20;

    /// <summary>What plotly calls the numbers and names of a trace.</summary>
    private static readonly string[] Columns = ["x", "y", "z", "theta", "r", "lon", "lat", "labels", "values", "text"];

    private static string? s_script;

    /// <summary>plotly.js for a page, Plotly.NET's own copy of it, and what draws charts with it.</summary>
    /// <remarks>A page may have a loader (require.js), to which the script would give itself.</remarks>
    public static string Script => s_script is null ? "" : OnPage(s_script);

    /// <summary>plotly.js as an element of a page, with what draws charts with it.</summary>
    public static string OnPage(string plotly) =>
        "<script>(() => { if (window.Plotly) return;\n"
        + $"const define = undefined, module = undefined, exports = undefined;\n{PlotlyScript.Inline(plotly)}\n}})();\n"
        + $"{PlotlyScript.Inline(PlotlyScript.Upgrade)}</script>\n";

    /// <summary>Whether a type is that of charts.</summary>
    public static bool Knows(Type type) => Chart(type) is not null;

    /// <summary>Adds what a chart looks like.</summary>
    public static void Format(object value, IReadOnlyList<string> mimeTypes, MimeBundle bundle)
    {
        if (
            Chart(value.GetType()) is not { } type
            || type.GetMethod("toFigureJson", BindingFlags.Public | BindingFlags.Static) is not { } toJson
        )
            return;
        s_script ??= PlotlyScript.Of(type.Assembly);
        string json = (string)toJson.Invoke(null, [value])!;
        var figure = JsonNode.Parse(json)!;
        foreach (string mimeType in mimeTypes.Count > 0 ? mimeTypes : [MimeType, "text/html"])
        {
            if (mimeType == MimeType)
                bundle.Add(mimeType, json);
            else if (mimeType == "text/html")
                bundle.Add(mimeType, Html(json, figure));
        }
        bundle.Add("text/plain", Words(figure));
    }

    private static Type? Chart(Type? type) => type is null || type.FullName == TypeName ? type : Chart(type.BaseType);

    /// <summary>A chart where no script runs: its words and the beginning of its data.</summary>
    private static string Html(string json, JsonNode figure)
    {
        string words = WebUtility.HtmlEncode(Words(figure));
        var html = new StringBuilder($"{Beginning}{Compressed(json)}\" role=\"group\" aria-label=\"{words}\">\n");
        html.Append($"<p>{words}. The data, where plotly.js is not on the page to draw it:</p>\n");
        foreach (var trace in Traces(figure))
            Data(trace, html);
        return html.Append("</div>").ToString();
    }

    /// <summary>The traces, without those that only decorate others, such as the area around a line.</summary>
    private static List<JsonObject> Traces(JsonNode figure)
    {
        var all = (figure["data"] as JsonArray ?? []).OfType<JsonObject>().ToList();
        var told = all.Where(trace => JsonText.At(trace, "name") is { Length: > 0 } || !Hidden(trace)).ToList();
        return told.Count > 0 ? told : all;

        static bool Hidden(JsonObject trace) => trace["showlegend"]?.GetValueKind() == JsonValueKind.False;
    }

    private static void Data(JsonObject trace, StringBuilder html)
    {
        if (trace["z"] is JsonArray { Count: > 0 } rows && rows[0] is JsonArray)
        {
            Matrix(trace, rows, html);
            return;
        }
        var columns = (
            from name in Columns
            let values = trace[name] as JsonArray
            where values is { Count: > 0 } && values[0] is not JsonArray
            select (Name: name, Values: values)
        ).ToList();
        if (columns.Count == 0)
            return;
        html.Append($"<table><caption>{Caption(trace)}</caption><thead><tr>");
        foreach (var (name, _) in columns)
            html.Append($"<th scope=\"col\">{name}</th>");
        html.Append("</tr></thead><tbody>");
        int count = columns.Max(column => column.Values.Count);
        for (int i = 0; i < Math.Min(count, MostRows); i++)
        {
            html.Append("<tr>");
            foreach (var (_, values) in columns)
                html.Append($"<td>{(i < values.Count ? WebUtility.HtmlEncode(values[i]?.ToString() ?? "") : "")}</td>");
            html.Append("</tr>");
        }
        if (count > MostRows)
            html.Append($"<tr><td colspan=\"{columns.Count}\">{count - MostRows} more</td></tr>");
        html.Append("</tbody></table>\n");
    }

    /// <summary>A heat map's values: its columns by x, its rows by y.</summary>
    private static void Matrix(JsonObject trace, JsonArray rows, StringBuilder html)
    {
        html.Append($"<table><caption>{Caption(trace)}</caption>");
        if (trace["x"] is JsonArray names)
            html.Append($"<thead><tr><th></th>{Cells(names, "th scope=\"col\"")}</tr></thead>");
        html.Append("<tbody>");
        for (int i = 0; i < Math.Min(rows.Count, MostRows); i++)
        {
            string name = WebUtility.HtmlEncode((trace["y"] as JsonArray)?.ElementAtOrDefault(i)?.ToString() ?? "");
            html.Append($"<tr><th scope=\"row\">{name}</th>{Cells(rows[i] as JsonArray ?? [], "td")}</tr>");
        }
        if (rows.Count > MostRows)
            html.Append($"<tr><td>{rows.Count - MostRows} more</td></tr>");
        html.Append("</tbody></table>\n");
    }

    private static string Cells(JsonArray values, string element)
    {
        string end = element.Split(' ')[0];
        var cells = values
            .Take(MostRows)
            .Select(value => $"<{element}>{WebUtility.HtmlEncode(value?.ToString() ?? "")}</{end}>");
        return string.Concat(cells)
            + (values.Count > MostRows ? $"<{element}>{values.Count - MostRows} more</{end}>" : "");
    }

    private static string Caption(JsonObject trace) =>
        WebUtility.HtmlEncode(JsonText.At(trace, "name") ?? JsonText.At(trace, "type") ?? "trace");

    private static string Compressed(string json)
    {
        using var bytes = new MemoryStream();
        using (var deflate = new DeflateStream(bytes, CompressionLevel.SmallestSize))
            deflate.Write(Encoding.UTF8.GetBytes(json));
        return Convert.ToBase64String(bytes.ToArray());
    }

    private static string Words(JsonNode figure)
    {
        // plotly's texts have HTML's tags; what stands below the title's first line explains it.
        string text = Tag().Replace((JsonText.At(figure, "layout", "title", "text") ?? "").Split("<br>")[0], "");
        string title = text.Length > 0 ? $"Chart \"{text}\"" : "Chart";
        var traces = Traces(figure)
            .Select(trace =>
            {
                string kind = JsonText.At(trace, "type") ?? "trace";
                string name = JsonText.At(trace, "name") is { } named ? $" \"{named}\"" : "";
                int points = ((trace["y"] ?? trace["x"] ?? trace["values"] ?? trace["z"]) as JsonArray)?.Count ?? 0;
                return points > 0 ? $"{kind}{name} of {points}" : $"{kind}{name}";
            });
        return $"{title}: {string.Join(", ", traces)}";
    }

    [GeneratedRegex("<[^>]*>")]
    private static partial Regex Tag();
}
