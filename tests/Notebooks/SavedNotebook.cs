using System.Text.Json;
using System.Text.Json.Nodes;

namespace PatchKit.Tests.Notebooks;

/// <summary>A notebook as its file says it.</summary>
internal sealed class SavedNotebook
{
    private readonly JsonElement _root;

    private SavedNotebook(JsonElement root) =>
        (_root, Cells) = (root, [.. root.GetProperty("cells").EnumerateArray().Select(cell => new Cell(cell))]);

    internal IReadOnlyList<Cell> Cells { get; }

    internal IEnumerable<Cell> Code => Cells.Where(cell => cell.IsCode);

    internal string Kernel => _root.GetProperty("metadata").GetProperty("kernelspec").GetProperty("name").GetString()!;

    internal (int Major, int Minor) Format =>
        (_root.GetProperty("nbformat").GetInt32(), _root.GetProperty("nbformat_minor").GetInt32());

    internal static SavedNotebook Load(string path) => new(JsonElement.Parse(File.ReadAllBytes(path)));

    /// <summary>Writes a notebook with another's exercises behind its own cells; theirs have the tag `copy`.</summary>
    internal static void AppendExercises(string notebook, string copy, string to)
    {
        var all = JsonNode.Parse(File.ReadAllBytes(notebook))!;
        var others = JsonNode.Parse(File.ReadAllBytes(copy))!["cells"]!.AsArray();
        foreach (var exercise in others.SkipWhile(cell => !cell!["source"]!.ToJsonString().Contains("## Exercises")))
        {
            var added = exercise!.DeepClone();
            added["id"] = $"copy-{all["cells"]!.AsArray().Count}";
            if (added["metadata"]!["tags"] is not JsonArray tags)
                added["metadata"]!["tags"] = tags = [];
            tags.Add("copy");
            all["cells"]!.AsArray().Add(added);
        }
        File.WriteAllText(to, all.ToJsonString());
    }

    internal sealed class Cell(JsonElement cell)
    {
        internal bool IsCode => cell.GetProperty("cell_type").GetString() == "code";

        internal string Source => Joined(cell.GetProperty("source"));

        internal bool IsExecuted => cell.GetProperty("execution_count").ValueKind == JsonValueKind.Number;

        internal IReadOnlyList<string> Tags =>
            cell.GetProperty("metadata").TryGetProperty("tags", out var tags)
                ? [.. tags.EnumerateArray().Select(tag => tag.GetString()!)]
                : [];

        internal IEnumerable<string> Errors =>
            Outputs
                .Where(output => output.GetProperty("output_type").GetString() == "error")
                .Select(error => Joined(error.GetProperty("evalue")));

        internal bool HasFigure =>
            Outputs.Any(output =>
                output.TryGetProperty("data", out var data)
                && data.TryGetProperty("text/html", out var html)
                && Joined(html) is var text
                && (text.Contains("<img ") || text.Contains("<svg "))
            );

        /// <summary>What the cell shows, as text.</summary>
        internal string Text =>
            string.Concat(
                Outputs.Select(output =>
                    output.TryGetProperty("data", out var data) && data.TryGetProperty("text/plain", out var text)
                        ? Joined(text)
                        : ""
                )
            );

        private IEnumerable<JsonElement> Outputs =>
            cell.TryGetProperty("outputs", out var outputs) ? outputs.EnumerateArray() : [];

        private static string Joined(JsonElement text) =>
            text.ValueKind == JsonValueKind.Array
                ? string.Concat(text.EnumerateArray().Select(line => line.GetString()))
                : text.GetString() ?? "";
    }
}
