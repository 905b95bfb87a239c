using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CsNotebook.Notebook;

namespace CsNotebook.Site;

/// <summary>A claim that a notebook's outputs hold against numbers.</summary>
/// <param name="Word">the outcome: shown, shown in the mean, not shown, or not testable.</param>
/// <param name="Text">the claim and the numbers.</param>
internal sealed partial record SiteVerdict(string Word, string Text)
{
    /// <summary>The outcomes, the best first, each with the mark that stands before it.</summary>
    public static IReadOnlyList<(string Word, string Mark)> Words { get; } =
    [("shown", "✔"), ("shown in the mean", "◐"), ("not shown", "✘"), ("not testable", "○")];

    /// <summary>
    /// The verdicts of a notebook: of outputs whose words begin with one, the lines that are verdicts, each claim once.
    /// Recorded results, whose words begin with where they come from, are not this notebook's.
    /// </summary>
    public static IReadOnlyList<SiteVerdict> In(NotebookFile notebook) =>
        [.. notebook.Cells.Where(cell => cell.IsCode).SelectMany(Of).DistinctBy(verdict => verdict.Text)];

    /// <summary>The verdicts that a cell shows.</summary>
    public static IEnumerable<SiteVerdict> Of(NotebookCell cell) =>
        from output in cell.Outputs.OfType<JsonObject>()
        let text = MultiLine.Join((output["data"] as JsonObject)?["text/plain"] ?? output["text"])
        where Line().Match(text) is { Success: true, Index: 0 }
        from line in text.Split('\n').Select(line => Line().Match(line)).TakeWhile(match => match.Success)
        select new SiteVerdict(line.Groups[1].Value, line.Groups[2].Value.Trim());

    [GeneratedRegex(@"^[-*] (shown in the mean|shown|not shown|not testable): (.*)")]
    private static partial Regex Line();
}
