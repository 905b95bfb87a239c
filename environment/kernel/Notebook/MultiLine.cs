using System.Text.Json.Nodes;

namespace CsNotebook.Notebook;

/// <summary>nbformat's multi-line strings: a string, or a list of lines that keep their ends.</summary>
internal static class MultiLine
{
    public static string Join(JsonNode? node) => node switch
    {
        null => "",
        JsonArray lines => string.Concat(lines.Select(Join)),
        _ => JsonText.Of(node) ?? node.ToJsonString(),
    };

    public static JsonArray Split(string text)
    {
        var lines = new JsonArray();
        for (int start = 0; start < text.Length;)
        {
            int end = text.IndexOf('\n', start) is var newline and >= 0 ? newline + 1 : text.Length;
            lines.Add(text[start..end]);
            start = end;
        }
        return lines;
    }
}
