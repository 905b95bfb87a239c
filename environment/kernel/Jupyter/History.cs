using System.IO.Enumeration;
using System.Text.Json.Nodes;

namespace CsNotebook.Jupyter;

/// <summary>The cells of this session, for as long as it lasts.</summary>
internal sealed class History
{
    private const int Session = 1;

    private readonly List<(int Line, string Input, string? Output)> _entries = [];

    /// <summary>Takes note of a cell and of its value's text.</summary>
    public void Add(int line, string input, string? output) => _entries.Add((line, input, output));

    /// <summary>The content of a <c>history_reply</c>.</summary>
    public JsonObject Answer(Message request)
    {
        IEnumerable<(int Line, string Input, string? Output)> found = request.Text("hist_access_type") switch
        {
            "tail" => _entries.TakeLast(request.Number("n") ?? int.MaxValue),
            "range" => request.Number("session") is null or 0 or Session
                ? _entries.Where(e =>
                    e.Line >= (request.Number("start") ?? 1) && e.Line < (request.Number("stop") ?? int.MaxValue)
                )
                : [],
            "search" => Search(
                request.Text("pattern", "*"),
                request.Number("n") ?? int.MaxValue,
                request.Flag("unique")
            ),
            _ => [],
        };
        bool output = request.Flag("output");
        return new JsonObject
        {
            ["status"] = "ok",
            ["history"] = new JsonArray([
                .. found.Select(e => new JsonArray(
                    Session,
                    e.Line,
                    output ? new JsonArray(e.Input, e.Output) : JsonValue.Create(e.Input)
                )),
            ]),
        };
    }

    private IEnumerable<(int Line, string Input, string? Output)> Search(string pattern, int n, bool unique)
    {
        var found = _entries.Where(e => FileSystemName.MatchesSimpleExpression(pattern, e.Input, ignoreCase: false));
        // Of equal ones the last is kept.
        return (unique ? found.Reverse().DistinctBy(e => e.Input).Reverse() : found).TakeLast(n);
    }
}
