using System.Text.Json.Nodes;

namespace CsNotebook.Notebook;

/// <summary>A Jupyter notebook in memory: nbformat 4.5, read from any 4.x.</summary>
public sealed class NotebookFile
{
    private readonly JsonObject _json;

    private NotebookFile(JsonObject json, IReadOnlyList<string> notes)
    {
        (_json, Notes) = (json, notes);
        Cells = [.. ((JsonArray)json["cells"]!).Select(c => new NotebookCell((JsonObject)c!))];
    }

    /// <summary>The cells, in order.</summary>
    public IReadOnlyList<NotebookCell> Cells { get; private set; }

    /// <summary>What reading had to change, a sentence for each.</summary>
    public IReadOnlyList<string> Notes { get; }

    /// <summary>The notebook's metadata.</summary>
    public JsonObject Metadata => (JsonObject)_json["metadata"]!;

    /// <summary>The code cells of a notebook of C#, each with the name that an error in it gets.</summary>
    /// <exception cref="InvalidDataException">As from <see cref="Load"/>.</exception>
    internal static IReadOnlyList<(string Code, string Name)> CodeOf(string path) =>
        [
            .. Load(path)
                .Cells.Select((cell, i) => (Cell: cell, Name: $"{Path.GetFileName(path)}, cell {i + 1}"))
                .Where(entry => entry.Cell.IsCode)
                .Select(entry => (entry.Cell.Source, entry.Name)),
        ];

    /// <summary>Reads a notebook of C#.</summary>
    /// <exception cref="InvalidDataException">The file is no notebook of nbformat 4, or its language is
    /// another.</exception>
    public static NotebookFile Load(string path)
    {
        if (Directory.Exists(path))
            throw new InvalidDataException($"{path} is a folder; name a notebook in it.");
        try
        {
            var notebook = Parse(NotebookReader.Utf8(File.ReadAllBytes(path)));
            return NotebookLanguage.Other(notebook.Metadata) is not { } other
                ? notebook
                : throw new InvalidDataException(
                    $"it is written in {other}, and this program knows C#; its kernelspec says so."
                );
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"{path} is not a notebook that can be used here: {e.Message}", e);
        }
    }

    /// <summary>Reads a notebook's text.</summary>
    /// <exception cref="InvalidDataException">It is no notebook of nbformat 4.</exception>
    public static NotebookFile Parse(string text)
    {
        var notes = new List<string>();
        return new(NotebookReader.Read(text, notes), notes);
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
        ((JsonArray)_json["cells"]!).Insert(index, cell);
        var made = new NotebookCell(cell);
        Cells = [.. Cells.Take(index), made, .. Cells.Skip(index)];
        return made;
    }

    /// <summary>Takes a cell out.</summary>
    public void Remove(NotebookCell cell)
    {
        ((JsonArray)_json["cells"]!).Remove(cell.Json);
        Cells = [.. Cells.Where(c => c != cell)];
    }

    /// <summary>The notebook's text, as Jupyter would write it.</summary>
    public override string ToString()
    {
        foreach (var cell in Cells)
            MultiLine.Arrange(cell.Json);
        return NotebookWriter.Write(_json);
    }

    /// <summary>Writes the notebook: the file is the old or the new one, never half of it.</summary>
    public void Save(string path) => WholeFile.Write(path, ToString());
}
