using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CsNotebook.Notebook;

/// <summary>A Jupyter notebook in memory: nbformat 4.5, read from any 4.x.</summary>
public sealed class NotebookFile
{
    // As Jupyter writes it: an indent of one blank, text as it is.
    private static readonly JsonSerializerOptions Written = new()
    {
        WriteIndented = true,
        IndentSize = 1,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly JsonObject json;

    private NotebookFile(JsonObject json)
    {
        this.json = json;
        Cells = [.. ((JsonArray)json["cells"]!).Select(c => new NotebookCell((JsonObject)c!))];
    }

    /// <summary>The cells, in order.</summary>
    public IReadOnlyList<NotebookCell> Cells { get; private set; }

    /// <summary>The notebook's metadata.</summary>
    public JsonObject Metadata => (JsonObject)json["metadata"]!;

    /// <summary>Reads a notebook.</summary>
    /// <exception cref="InvalidDataException">The file is no notebook of nbformat 4.</exception>
    public static NotebookFile Load(string path)
    {
        try
        {
            return Parse(File.ReadAllText(path));
        }
        catch (Exception e) when (e is JsonException or InvalidDataException or InvalidOperationException)
        {
            throw new InvalidDataException($"{path} is not a notebook that can be read: {e.Message}", e);
        }
    }

    /// <summary>Reads a notebook's text.</summary>
    public static NotebookFile Parse(string text)
    {
        var json = JsonNode.Parse(text) as JsonObject ?? throw new InvalidDataException("it is not a JSON object.");
        int major = json["nbformat"]?.GetValue<int>() ?? throw new InvalidDataException("it has no nbformat.");
        if (major != 4)
            throw new InvalidDataException($"it is nbformat {major}, and only 4 is read here; open and save it in JupyterLab.");
        if (json["cells"] is not JsonArray cells)
            throw new InvalidDataException("it has no list of cells.");
        if (json["metadata"] is not JsonObject)
            json["metadata"] = new JsonObject();
        json["nbformat_minor"] = Math.Max(5, json["nbformat_minor"]?.GetValue<int>() ?? 0);
        for (int i = 0; i < cells.Count; i++)
            Complete((JsonObject)cells[i]!, i);
        return new(json);
    }

    /// <summary>Puts a new code cell at a place.</summary>
    public NotebookCell InsertCode(int index, string source, params IEnumerable<string> tags)
    {
        var cell = new JsonObject
        {
            ["cell_type"] = "code",
            ["execution_count"] = null,
            ["id"] = Guid.NewGuid().ToString("N")[..8],
            ["metadata"] = new JsonObject { ["tags"] = new JsonArray([.. tags.Select(t => JsonValue.Create(t))]) },
            ["outputs"] = new JsonArray(),
            ["source"] = MultiLine.Split(source),
        };
        ((JsonArray)json["cells"]!).Insert(index, cell);
        var made = new NotebookCell(cell);
        Cells = [.. Cells.Take(index), made, .. Cells.Skip(index)];
        return made;
    }

    /// <summary>Takes a cell out.</summary>
    public void Remove(NotebookCell cell)
    {
        ((JsonArray)json["cells"]!).Remove(cell.Json);
        Cells = [.. Cells.Where(c => c != cell)];
    }

    /// <summary>The notebook's text, as Jupyter would write it.</summary>
    public override string ToString() => json.ToJsonString(Written) + "\n";

    /// <summary>Writes the notebook: the file is the old or the new one, never half of it.</summary>
    public void Save(string path)
    {
        string target = File.Exists(path) && File.ResolveLinkTarget(path, returnFinalTarget: true) is { } link ? link.FullName : Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        string half = $"{target}.{Environment.ProcessId}.tmp";
        File.WriteAllText(half, ToString());
        File.Move(half, target, overwrite: true);
    }

    /// <summary>What 4.5 requires and older files may lack.</summary>
    private static void Complete(JsonObject cell, int index)
    {
        if (cell["metadata"] is not JsonObject)
            cell["metadata"] = new JsonObject();
        cell["id"] ??= $"cell-{index + 1}";
        if (cell["cell_type"]?.GetValue<string>() != "code")
            return;
        if (!cell.ContainsKey("execution_count"))
            cell["execution_count"] = null;
        if (cell["outputs"] is not JsonArray)
            cell["outputs"] = new JsonArray();
    }
}
