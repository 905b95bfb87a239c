using System.Text.Json.Nodes;
using CsNotebook.Engine;

namespace CsNotebook.Notebook;

/// <summary>A cell of a notebook; a view of its JSON, so that what this does not know stays as it is.</summary>
/// <param name="json">the cell's object.</param>
public sealed class NotebookCell(JsonObject json)
{
    /// <summary>The cell's JSON.</summary>
    public JsonObject Json => json;

    /// <summary><c>code</c>, <c>markdown</c> or <c>raw</c>.</summary>
    public string Type => JsonText.Of(json["cell_type"]) ?? "raw";

    /// <summary>Whether it holds code.</summary>
    public bool IsCode => Type == "code";

    /// <summary>The cell's text.</summary>
    public string Source
    {
        get => MultiLine.Join(json["source"]);
        set => json["source"] = MultiLine.Split(value);
    }

    /// <summary>The cell's metadata, made where it was missing.</summary>
    public JsonObject Metadata
    {
        get
        {
            if (json["metadata"] is not JsonObject)
                json["metadata"] = new JsonObject();
            return (JsonObject)json["metadata"]!;
        }
    }

    /// <summary>The cell's tags.</summary>
    public IReadOnlyList<string> Tags =>
        Metadata["tags"] is JsonArray tags ? [.. tags.Select(JsonText.Of).OfType<string>()] : [];

    /// <summary>Whether the author folded its code away, as JupyterLab notes it.</summary>
    public bool IsFolded =>
        (Metadata["jupyter"] as JsonObject)?["source_hidden"] is JsonValue hidden
        && hidden.TryGetValue(out bool folded)
        && folded;

    /// <summary>A code cell's outputs.</summary>
    public JsonArray Outputs
    {
        get
        {
            if (json["outputs"] is not JsonArray)
                json["outputs"] = new JsonArray();
            return (JsonArray)json["outputs"]!;
        }
    }

    /// <summary>The count shown as In [n]; null for a cell that has not run.</summary>
    public int? ExecutionCount
    {
        get => json["execution_count"] is JsonValue value && value.TryGetValue(out int count) ? count : null;
        set => json["execution_count"] = value;
    }

    /// <summary>
    /// How long it took in this process; null where it has not run. It is not written to the file, where a front end
    /// that runs the cell again would leave it.
    /// </summary>
    public TimeSpan? Took { get; set; }

    /// <summary>The kernel that a polyglot notebook assigns to the cell, or null.</summary>
    public string? KernelName =>
        JsonText.At(Metadata, "polyglot_notebook", "kernelName")
        ?? JsonText.At(Metadata, "dotnet_interactive", "language");

    /// <summary>Forgets that the cell ever ran.</summary>
    public void ClearOutputs()
    {
        json["outputs"] = new JsonArray();
        json["execution_count"] = null;
        Metadata.Remove("execution");
        Took = null;
    }
}
