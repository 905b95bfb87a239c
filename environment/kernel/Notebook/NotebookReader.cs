using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CsNotebook.Engine;

namespace CsNotebook.Notebook;

/// <summary>
/// Reads a notebook's JSON. What nbformat 4 does not allow is refused with its place rather than guessed at.
/// </summary>
/// <remarks>
/// Cell ids are the exception, as in nbformat itself: a missing, wrong or second one is replaced, and what was there is
/// told.
/// </remarks>
internal static partial class NotebookReader
{
    /// <summary>Outputs nest deeper than .NET expects: a figure's JSON lies six levels down already.</summary>
    private const int MaxDepth = 512;

    /// <summary>A file's text.</summary>
    /// <exception cref="InvalidDataException">It is empty, or not UTF-8.</exception>
    public static string Utf8(byte[] bytes)
    {
        if (bytes is [0xFE, 0xFF, ..] or [0xFF, 0xFE, ..])
            throw new InvalidDataException("it is UTF-16, and notebooks are UTF-8; save it anew in that encoding.");
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes).TrimStart('\uFEFF');
        }
        catch (DecoderFallbackException e)
        {
            // Of an incomplete sequence the index is that of its first byte, counted back from where it breaks off.
            int at = Math.Clamp(e.Index, 0, bytes.Length - 1);
            int line = bytes.AsSpan(0, at).Count((byte)'\n') + 1;
            throw new InvalidDataException(
                $"the byte 0x{bytes[at]:X2} in line {line} is not UTF-8, as of a file in Latin-1; save it "
                    + "anew as UTF-8.",
                e
            );
        }
    }

    /// <summary>A notebook's object, complete as nbformat 4.5 wants it.</summary>
    /// <param name="text">its text.</param>
    /// <param name="notes">receives a sentence for each thing that had to be changed.</param>
    /// <exception cref="InvalidDataException">It is no notebook of nbformat 4.</exception>
    public static JsonObject Read(string text, List<string> notes)
    {
        if (string.IsNullOrWhiteSpace(text))
            throw new InvalidDataException("it is empty; take back an earlier version, or make a new notebook.");
        using var document = Json(text);
        if (document.RootElement.ValueKind != JsonValueKind.Object)
            throw new InvalidDataException("it is not a JSON object.");
        Walk(document.RootElement, "", text.Contains("\\ud", StringComparison.OrdinalIgnoreCase));
        var json = JsonObject.Create(document.RootElement.Clone())!;
        if (Whole(json["nbformat"]) is not { } major)
            throw new InvalidDataException("it has no nbformat, the number of the notebook format.");
        if (major != 4)
            throw new InvalidDataException(
                $"it is nbformat {major}, and only 4 is read here; open and save it in JupyterLab."
            );
        var cells =
            json["cells"] as JsonArray
            ?? throw new InvalidDataException($"its cells are {Kind(json["cells"])}, not a list.");
        GiveMetadata(json, "the notebook");
        json["nbformat_minor"] = Math.Max(5, Whole(json["nbformat_minor"]) ?? 0);
        for (int i = 0; i < cells.Count; i++)
            Complete(cells[i], $"cell {i + 1}");
        GiveIds(cells, notes);
        return json;
    }

    private static JsonDocument Json(string text)
    {
        try
        {
            return JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = MaxDepth });
        }
        catch (JsonException e)
        {
            if (MergeMark().Match(text) is { Success: true } mark)
            {
                int marked = text.AsSpan(0, mark.Index).Count('\n') + 1;
                throw new InvalidDataException(
                    $"line {marked} is the mark of a merge ({mark.Value}) that is not resolved; resolve it first.",
                    e
                );
            }
            string reason = e.Message.Split([" LineNumber:", " Path:"], StringSplitOptions.None)[0].TrimEnd('.');
            throw new InvalidDataException(
                $"it is not JSON: line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}: {reason}.",
                e
            );
        }
    }

    /// <summary>
    /// Finds names that stand twice, of which one would be lost, and halves of characters, which no file can hold.
    /// </summary>
    private static void Walk(JsonElement element, string place, bool halves)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                var names = new HashSet<string>(StringComparer.Ordinal);
                foreach (var property in element.EnumerateObject())
                {
                    string name = Text(() => property.Name, place);
                    if (!names.Add(name))
                        throw new InvalidDataException(
                            $"{Inside(place, "the notebook")} has \"{name}\" twice; delete one of the two."
                        );
                    Walk(property.Value, place.Length == 0 ? name : $"{place}, {name}", halves);
                }
                break;
            case JsonValueKind.Array:
                int i = 0;
                foreach (var item in element.EnumerateArray())
                    Walk(item, place == "cells" ? $"cell {++i}" : place, halves);
                break;
            case JsonValueKind.String when halves:
                Text(() => element.GetString()!, place);
                break;
        }
    }

    private static string Text(Func<string> get, string place)
    {
        try
        {
            return get();
        }
        catch (InvalidOperationException e)
        {
            throw new InvalidDataException(
                $"{Inside(place, "it")} holds half a character (a surrogate, \\uD800 to \\uDFFF, without "
                    + "its partner); delete it there.",
                e
            );
        }
    }

    private static string Inside(string place, string otherwise) => place.Length > 0 ? place : otherwise;

    private static void Complete(JsonNode? node, string place)
    {
        var cell = node as JsonObject ?? throw new InvalidDataException($"{place} is {Kind(node)}, not an object.");
        if (JsonText.Of(cell["cell_type"]) is not ("code" or "markdown" or "raw"))
            throw new InvalidDataException(
                $"{place}'s cell_type is {Shown(cell["cell_type"])}, not \"code\", \"markdown\" or \"raw\"."
            );
        GiveMetadata(cell, place);
        CheckText(cell["source"], $"{place}'s source");
        if (JsonText.Of(cell["cell_type"]) != "code")
            return;
        cell.TryAdd("execution_count", null);
        cell["outputs"] ??= new JsonArray();
        if (cell["outputs"] is not JsonArray outputs)
            throw new InvalidDataException($"{place}'s outputs are {Kind(cell["outputs"])}, not a list.");
        foreach (var output in outputs)
        {
            if (output is not JsonObject || JsonText.Of(output["output_type"]) is null)
                throw new InvalidDataException($"{place} has an output that is {Kind(output)} without an output_type.");
        }
    }

    private static void CheckText(JsonNode? node, string place)
    {
        if (node is JsonArray lines)
        {
            foreach (var line in lines.Where(l => JsonText.Of(l) is null))
                throw new InvalidDataException($"{place} has a line that is {Kind(line)}, not text.");
        }
        else if (node is not null && JsonText.Of(node) is null)
        {
            throw new InvalidDataException($"{place} is {Kind(node)}, not text.");
        }
    }

    /// <summary>Each cell has an id of its own from here on.</summary>
    private static void GiveIds(JsonArray cells, List<string> notes)
    {
        var owners = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < cells.Count; i++)
        {
            string? id = JsonText.Of(cells[i]!["id"]);
            if (id is not null && AllowedId().IsMatch(id) && owners.TryAdd(id, i + 1))
                continue;
            string stem = id is not null && owners.ContainsKey(id) && id.Length < 60 ? id : $"cell-{i + 1}";
            string made = stem;
            for (int n = 2; cells.Any(c => JsonText.Of(c!["id"]) == made) || owners.ContainsKey(made); n++)
                made = $"{stem}-{n}";
            if (cells[i]!["id"] is { } old)
            {
                string why =
                    id is not null && owners.TryGetValue(id, out int owner)
                        ? $"is cell {owner}'s"
                        : "is none that nbformat allows";
                notes.Add($"cell {i + 1}'s id {old.ToJsonString()} {why}; it is now \"{made}\".");
            }
            cells[i]!["id"] = made;
            owners.Add(made, i + 1);
        }
    }

    private static void GiveMetadata(JsonObject owner, string place)
    {
        owner["metadata"] ??= new JsonObject();
        if (owner["metadata"] is not JsonObject)
            throw new InvalidDataException($"{place}'s metadata is {Kind(owner["metadata"])}, not an object.");
    }

    private static int? Whole(JsonNode? node) =>
        node is JsonValue value && value.TryGetValue(out int whole) ? whole : null;

    private static string Shown(JsonNode? node) =>
        node is JsonValue value && value.ToJsonString() is { Length: < 40 } text ? text : Kind(node);

    private static string Kind(JsonNode? node) =>
        node?.GetValueKind() switch
        {
            null or JsonValueKind.Null => "null",
            JsonValueKind.Object => "an object",
            JsonValueKind.Array => "a list",
            JsonValueKind.String => "text",
            JsonValueKind.Number => "a number",
            _ => "true or false",
        };

    [GeneratedRegex("^(<<<<<<<|=======|>>>>>>>)(?= |\r?$)", RegexOptions.Multiline)]
    private static partial Regex MergeMark();

    [GeneratedRegex("^[a-zA-Z0-9_-]{1,64}$")]
    private static partial Regex AllowedId();
}
