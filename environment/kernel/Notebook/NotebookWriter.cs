using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CsNotebook.Engine;

namespace CsNotebook.Notebook;

/// <summary>
/// JSON to the letter as nbformat writes it, so that a front end that opens and saves a notebook changes none of it:
/// names in order, an indent of one blank, and numbers as JavaScript reads and Python writes them.
/// </summary>
internal static class NotebookWriter
{
    /// <summary>Above this JavaScript and Python write exponents.</summary>
    private const double MaxPlain = 1e16;

    /// <summary>The text of a notebook.</summary>
    public static string Write(JsonNode node)
    {
        var text = new StringBuilder();
        Value(node, text, 0);
        return text.Append('\n').ToString();
    }

    private static void Value(JsonNode? node, StringBuilder text, int depth)
    {
        switch (node)
        {
            case JsonObject { Count: > 0 } pairs:
                string open = "{";
                foreach (var (name, value) in pairs.OrderBy(p => p.Key, StringComparer.Ordinal))
                {
                    NewLine(text.Append(open), depth + 1);
                    Quoted(name, text);
                    Value(value, text.Append(": "), depth + 1);
                    open = ",";
                }
                NewLine(text, depth).Append('}');
                break;
            case JsonArray { Count: > 0 } items:
                string begin = "[";
                foreach (var item in items)
                {
                    Value(item, NewLine(text.Append(begin), depth + 1), depth + 1);
                    begin = ",";
                }
                NewLine(text, depth).Append(']');
                break;
            default:
                Leaf(node, text);
                break;
        }
    }

    private static void Leaf(JsonNode? node, StringBuilder text)
    {
        if (node is null)
            text.Append("null");
        else if (JsonText.Of(node) is { } words)
            Quoted(words, text);
        else if (node.GetValueKind() == JsonValueKind.Number)
            text.Append(Number(node.ToJsonString()));
        else
            text.Append(node.ToJsonString());
    }

    private static string Number(string written)
    {
        if (
            written.AsSpan().IndexOfAny('.', 'e', 'E') < 0
            || !double.TryParse(written, CultureInfo.InvariantCulture, out double number)
        )
            return written;
        if (!double.IsFinite(number))
            return written;
        return number == Math.Truncate(number) && Math.Abs(number) < MaxPlain
            ? number.ToString("F0", CultureInfo.InvariantCulture)
            : number.ToString("R", CultureInfo.InvariantCulture).Replace('E', 'e');
    }

    private static void Quoted(string words, StringBuilder text)
    {
        text.Append('"');
        foreach (char c in words)
        {
            switch (c)
            {
                case '"':
                    text.Append("\\\"");
                    break;
                case '\\':
                    text.Append("\\\\");
                    break;
                case '\n':
                    text.Append("\\n");
                    break;
                case '\r':
                    text.Append("\\r");
                    break;
                case '\t':
                    text.Append("\\t");
                    break;
                case '\b':
                    text.Append("\\b");
                    break;
                case '\f':
                    text.Append("\\f");
                    break;
                case < ' ':
                    text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
                    break;
                default:
                    text.Append(c);
                    break;
            }
        }
        text.Append('"');
    }

    private static StringBuilder NewLine(StringBuilder text, int depth) => text.Append('\n').Append(' ', depth);
}
