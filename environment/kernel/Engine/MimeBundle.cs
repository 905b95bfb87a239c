using System.Collections;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CsNotebook.Engine;

/// <summary>One value in several representations, the preferred first: MIME type to text.</summary>
public sealed class MimeBundle : IReadOnlyCollection<KeyValuePair<string, string>>
{
    private readonly List<KeyValuePair<string, string>> _parts = [];

    /// <summary>An empty bundle, to be filled with <see cref="Add"/> or a collection initialiser.</summary>
    public MimeBundle() { }

    /// <summary>A bundle of one representation.</summary>
    public MimeBundle(string mimeType, string text) => Add(mimeType, text);

    /// <inheritdoc/>
    public int Count => _parts.Count;

    /// <summary>The representation of that MIME type, or null.</summary>
    public string? this[string mimeType] => _parts.Find(p => p.Key == mimeType).Value;

    /// <summary>Adds a representation; a MIME type that is there already keeps its first text.</summary>
    public void Add(string mimeType, string text)
    {
        if (this[mimeType] is null)
            _parts.Add(new(mimeType, text));
    }

    /// <summary>
    /// The <c>data</c> object of a Jupyter message or of a notebook's output: JSON types (<c>application/json</c>,
    /// <c>+json</c>) as JSON values, all others as strings.
    /// </summary>
    public JsonObject ToJson()
    {
        var json = new JsonObject();
        foreach (var (mimeType, text) in _parts)
            json[mimeType] = IsJson(mimeType) ? Parse(text) : JsonValue.Create(text);
        return json;
    }

    /// <summary>Whether a MIME type's text is JSON.</summary>
    public static bool IsJson(string mimeType) =>
        mimeType == "application/json" || mimeType.EndsWith("+json", StringComparison.Ordinal);

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, string>> GetEnumerator() => _parts.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private static JsonNode? Parse(string text)
    {
        try
        {
            return JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return JsonValue.Create(text);
        }
    }
}
