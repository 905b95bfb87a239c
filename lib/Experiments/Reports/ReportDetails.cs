using PatchKit.Display.Formatting;
using PatchKit.Display.Tables;

namespace PatchKit.Experiments.Reports;

/// <summary>
/// A report's tables, each folded under its title, and where they were made. The verdicts and caveats are the report's
/// <see cref="Report.Conclusion"/>.
/// </summary>
/// <param name="Report">the report.</param>
[TypeFormatterSource(
    typeof(FormatterSource<ReportDetails>),
    PreferredMimeTypes = [Mime.Html, Mime.Markdown, Mime.Text]
)]
public sealed record ReportDetails(Report Report) : IRendered
{
    /// <summary>The tables in HTML.</summary>
    public string ToHtml()
    {
        var html = new Markup()
            .Add($"<p><strong>{Report.Title}</strong><br><span style='font-size:90%;opacity:0.8'>")
            .Prose(Report.Origin)
            .Raw("</span></p>");
        foreach (var table in Report.Tables)
            html.Add($"<details style='margin:4px 0'><summary>{table.Title}</summary>")
                .Raw((table.ToTable() with { Title = "" }).ToHtml())
                .Raw("</details>");
        return html.ToString();
    }

    /// <summary>The tables in Markdown.</summary>
    public string ToMarkdown() =>
        string.Join(
            "\n\n",
            [$"**{Report.Title}**", Report.Origin, .. Report.Tables.Select(table => table.ToMarkdown())]
        );

    /// <inheritdoc/>
    public string Render(string mimeType) =>
        mimeType switch
        {
            Mime.Html => ToHtml(),
            Mime.Markdown => ToMarkdown(),
            Mime.Text => ToString(),
            _ => throw Mime.Unknown(this, mimeType),
        };

    /// <summary>The tables as text.</summary>
    public override string ToString() =>
        string.Join("\n\n", [Report.Title, Report.Origin, .. Report.Tables.Select(table => table.ToString())]);
}
