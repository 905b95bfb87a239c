using System.Text.Json.Nodes;
using CsNotebook.Engine;

namespace CsNotebook.Notebook;

/// <summary>Writes a running cell's output into its notebook cell, as nbformat has it.</summary>
/// <param name="shown">the outputs on show by display id, over all cells of the notebook.</param>
public sealed class OutputRecorder(Dictionary<string, List<JsonObject>> shown) : ICellHost
{
    private readonly object _gate = new();
    private JsonArray _outputs = [];
    private string _streamText = "";
    private bool _clearNext;
    private string _latest = "";

    /// <summary>The latest line of text that the cell wrote or showed.</summary>
    public string Latest
    {
        get
        {
            lock (_gate)
                return _latest;
        }
    }

    /// <summary>From here on output goes to this cell, whose old outputs go.</summary>
    public void Begin(NotebookCell cell)
    {
        lock (_gate)
        {
            cell.ClearOutputs();
            (_outputs, _streamText, _clearNext, _latest) = (cell.Outputs, "", false, "");
        }
    }

    /// <inheritdoc/>
    public void Stream(StreamName name, string text)
    {
        lock (_gate)
        {
            ClearIfAsked();
            string stream = name == StreamName.Stdout ? "stdout" : "stderr";
            if (
                _outputs.LastOrDefault() is not JsonObject last
                || $"{last["output_type"]} {last["name"]}" != $"stream {stream}"
            )
            {
                _streamText = "";
                _outputs.Add(last = new JsonObject { ["name"] = stream, ["output_type"] = "stream" });
            }
            _streamText = CarriageReturns.Collapse(_streamText + text);
            last["text"] = MultiLine.Split(_streamText);
            _latest = Lines(_streamText).LastOrDefault() ?? _latest;
        }
    }

    /// <inheritdoc/>
    public void Display(MimeBundle data, string? displayId, bool update)
    {
        lock (_gate)
        {
            _latest = Lines(data["text/plain"] ?? "").FirstOrDefault() ?? _latest;
            if (!update)
                ClearIfAsked();
            if (update)
            {
                foreach (
                    var output in displayId is not null && shown.TryGetValue(displayId, out var known) ? known : []
                )
                    output["data"] = data.ToJson();
                return;
            }
            var made = new JsonObject
            {
                ["data"] = data.ToJson(),
                ["metadata"] = new JsonObject(),
                ["output_type"] = "display_data",
            };
            _outputs.Add(made);
            if (displayId is not null)
                (shown.TryGetValue(displayId, out var list) ? list : shown[displayId] = []).Add(made);
        }
    }

    /// <summary>Refuses: a notebook that runs by itself has nobody to ask.</summary>
    public string? ReadLine(string prompt, bool password) =>
        throw new InvalidOperationException(
            "The cell asks for input, and a notebook that runs without a front end has nobody to ask; give "
                + "the value with --set, or run it in Jupyter."
        );

    /// <inheritdoc/>
    public void ClearOutput(bool wait)
    {
        lock (_gate)
        {
            _clearNext = true;
            if (!wait)
                ClearIfAsked();
        }
    }

    /// <summary>
    /// Does something with the notebook while no output comes in: a cell's background work may outlive it.
    /// </summary>
    public void Quietly(Action action)
    {
        lock (_gate)
            action();
    }

    /// <summary>Adds the value of the cell's last expression.</summary>
    public void Value(MimeBundle data, int executionCount)
    {
        lock (_gate)
        {
            ClearIfAsked();
            _outputs.Add(
                new JsonObject
                {
                    ["data"] = data.ToJson(),
                    ["execution_count"] = executionCount,
                    ["metadata"] = new JsonObject(),
                    ["output_type"] = "execute_result",
                }
            );
        }
    }

    /// <summary>Adds the cell's error.</summary>
    public void Error(CellError error)
    {
        lock (_gate)
        {
            ClearIfAsked();
            _outputs.Add(
                new JsonObject
                {
                    ["ename"] = error.Name,
                    ["evalue"] = error.Message,
                    ["output_type"] = "error",
                    ["traceback"] = new JsonArray([.. error.Traceback.Select(line => JsonValue.Create(line))]),
                }
            );
        }
    }

    private void ClearIfAsked()
    {
        if (!_clearNext)
            return;
        (_clearNext, _streamText) = (false, "");
        _outputs.Clear();
    }

    private static IEnumerable<string> Lines(string text) =>
        text.Split('\n').Select(l => l.Trim()).Where(l => l.Length > 0);
}
