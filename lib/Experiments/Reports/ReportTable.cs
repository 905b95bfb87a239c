using PatchKit.Display.Formatting;
using PatchKit.Display.Tables;

namespace PatchKit.Experiments.Reports;

/// <summary>A table of a report; the first column names the row.</summary>
/// <param name="Title">what it shows.</param>
/// <param name="Columns">headings.</param>
/// <param name="Rows">cells, as many in each row as there are columns.</param>
[TypeFormatterSource(typeof(FormatterSource<ReportTable>), PreferredMimeTypes = [Mime.Html, Mime.Markdown, Mime.Text])]
public sealed record ReportTable(string Title, IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string>> Rows)
    : IRendered
{
    /// <summary>
    /// The table to look at. A column without a heading beside the first says whether the row agrees.
    /// </summary>
    public Table ToTable() =>
        Table.Of(Title, [.. Columns.Select((name, i) => i > 0 && name == "" ? "agreement" : name)], Rows);

    /// <summary>The table in Markdown.</summary>
    public string ToMarkdown() => ToTable().ToMarkdown();

    /// <inheritdoc/>
    public string Render(string mimeType) => ToTable().Render(mimeType);

    /// <summary>The table as text.</summary>
    public override string ToString() => ToTable().ToString();
}
