namespace PatchKit.Experiments;

/// <summary>A table of a report; the first column names the row.</summary>
/// <param name="Title">what it shows.</param>
/// <param name="Columns">headings.</param>
/// <param name="Rows">cells, as many in each row as there are columns.</param>
public sealed record ReportTable(string Title, IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string>> Rows)
{
    /// <summary>The table in Markdown.</summary>
    public string ToMarkdown() => string.Join('\n',
        [$"**{Title}**", "", Line(Columns), Line(Columns.Select((_, i) => i == 0 ? "---" : "---:")), .. Rows.Select(Line)]);

    private static string Line(IEnumerable<string> cells) => $"| {string.Join(" | ", cells.Select(cell => cell.Replace("|", "\\|")))} |";
}
