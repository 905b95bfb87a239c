using System.Buffers;
using System.Text.Json.Nodes;
using CsNotebook.Engine;

namespace CsNotebook.Notebook;

/// <summary>nbformat's multi-line strings: a string, or a list of lines that keep their ends.</summary>
internal static class MultiLine
{
    /// <summary>What ends a line for nbformat, that is for Python.</summary>
    private static readonly SearchValues<char> Ends = SearchValues.Create("\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029");

    public static string Join(JsonNode? node) =>
        node switch
        {
            null => "",
            JsonArray lines => string.Concat(lines.Select(Join)),
            _ => JsonText.Of(node) ?? node.ToJsonString(),
        };

    public static JsonArray Split(string text)
    {
        var lines = new JsonArray();
        for (int start = 0; start < text.Length; )
        {
            int end = text.AsSpan(start).IndexOfAny(Ends) is var at and >= 0 ? start + at + 1 : text.Length;
            if (end < text.Length && text[end - 1] == '\r' && text[end] == '\n')
                end++;
            lines.Add(text[start..end]);
            start = end;
        }
        return lines;
    }

    /// <summary>
    /// Gives every text of a cell the form that nbformat writes: lines for what people read, a string for the rest.
    /// </summary>
    public static void Arrange(JsonObject cell)
    {
        Arrange(cell, "source", lines: true);
        foreach (var (_, attachment) in cell["attachments"] as JsonObject ?? [])
            ArrangeBundle(attachment as JsonObject);
        foreach (var output in (cell["outputs"] as JsonArray ?? []).OfType<JsonObject>())
        {
            if (JsonText.Of(output["output_type"]) == "stream")
                Arrange(output, "text", lines: true);
            ArrangeBundle(output["data"] as JsonObject);
        }
    }

    private static void ArrangeBundle(JsonObject? bundle)
    {
        foreach (string mimeType in bundle?.Select(p => p.Key).Where(m => !MimeBundle.IsJson(m)).ToList() ?? [])
            Arrange(bundle!, mimeType, IsText(mimeType));
    }

    private static bool IsText(string mimeType) =>
        mimeType.StartsWith("text/", StringComparison.Ordinal)
        || mimeType is "application/javascript" or "image/svg+xml";

    private static void Arrange(JsonObject owner, string name, bool lines)
    {
        if (
            owner[name] is not JsonArray written
                ? JsonText.Of(owner[name]) is not null
                : written.All(l => JsonText.Of(l) is not null)
        )
            owner[name] = lines ? Split(Join(owner[name])) : Join(owner[name]);
    }
}
