using System.Text.Json.Nodes;

namespace CsNotebook.Engine;

/// <summary>Texts in JSON that others wrote.</summary>
internal static class JsonText
{
    /// <summary>The text that a node is, or null where it is anything else.</summary>
    public static string? Of(JsonNode? node) =>
        node is JsonValue value && value.TryGetValue(out string? text) ? text : null;

    /// <summary>The text below names that may not be there: <c>At(metadata, "kernelspec", "name")</c>.</summary>
    public static string? At(JsonNode? node, params IEnumerable<string> names)
    {
        foreach (string name in names)
            node = (node as JsonObject)?[name];
        return Of(node);
    }
}
