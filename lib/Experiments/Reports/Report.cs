using System.Text.Json.Serialization;
using PatchKit.Display.Figures;
using PatchKit.Display.Formatting;
using PatchKit.Display.Tables;
using PatchKit.Experiments.Verdicts;
using PatchKit.Training;

namespace PatchKit.Experiments.Reports;

/// <summary>
/// What an experiment found: the paper's numbers beside ours, and a verdict computed from the numbers.
/// </summary>
[TypeFormatterSource(typeof(FormatterSource<Report>), PreferredMimeTypes = [Mime.Html, Mime.Markdown, Mime.Text])]
public sealed record Report : IRendered
{
    /// <summary>The experiment's name.</summary>
    public required string Experiment { get; init; }

    /// <summary>What it reproduces.</summary>
    public required string Title { get; init; }

    /// <summary>The scale it was run at.</summary>
    public required Scale Scale { get; init; }

    /// <summary>The images it was run on.</summary>
    public required string Data { get; init; }

    /// <summary>Tables, in reading order.</summary>
    public required IReadOnlyList<ReportTable> Tables { get; init; }

    /// <summary>
    /// Drawings, in reading order. They are made of the runs anew wherever a report is made, and are written beside it
    /// as SVG; its JSON has none.
    /// </summary>
    [JsonIgnore]
    public IReadOnlyList<Figure> Figures { get; init; } = [];

    /// <summary>Each effect that the paper claims.</summary>
    public required IReadOnlyList<Verdict> Verdicts { get; init; }

    /// <summary>
    /// Which rule made the verdicts: <see cref="VerdictRule.Version"/>, or empty in reports from before there was one.
    /// </summary>
    public string Rule { get; init; } = "";

    /// <summary>What must be kept in mind wherever these numbers are shown.</summary>
    public IReadOnlyList<string> Caveats { get; init; } = [];

    /// <summary>The keys of the runs behind it.</summary>
    public IReadOnlyList<string> Runs { get; init; } = [];

    /// <summary>Where it was made.</summary>
    public required Machine Machine { get; init; }

    /// <summary>The code's commit.</summary>
    public string Commit { get; init; } = Machine.Commit;

    /// <summary>When it was made, UTC.</summary>
    public DateTime Date { get; init; } = DateTime.UtcNow;

    /// <summary>The verdicts and the caveats.</summary>
    [JsonIgnore]
    public Conclusion Conclusion => new(Verdicts, Caveats);

    /// <summary>The tables alone, folded, for a page that shows the <see cref="Conclusion"/> already.</summary>
    [JsonIgnore]
    public ReportDetails Details => new(this);

    /// <summary>The report in Markdown.</summary>
    public string ToMarkdown() =>
        string.Join(
            "\n\n",
            [$"# {Title}", Origin, .. Tables.Select(table => table.ToMarkdown()), Conclusion.ToMarkdown()]
        ) + "\n";

    /// <summary>The report in HTML.</summary>
    public string ToHtml()
    {
        var html = new Markup().Add($"<h3>{Title}</h3><p style='font-size:90%;opacity:0.8'>").Prose(Origin).Raw("</p>");
        foreach (var figure in Figures)
            html.Raw(figure.ToHtml());
        foreach (var table in Tables)
            html.Raw(table.ToTable().ToHtml());
        return html.Raw(Conclusion.ToHtml()).ToString();
    }

    /// <inheritdoc/>
    public string Render(string mimeType) =>
        mimeType switch
        {
            Mime.Html => ToHtml(),
            Mime.Markdown => ToMarkdown(),
            Mime.Text => ToString(),
            _ => throw Mime.Unknown(this, mimeType),
        };

    /// <summary>The report as text.</summary>
    public override string ToString() =>
        string.Join("\n\n", [Title, Origin, .. Tables.Select(table => table.ToString()), Conclusion.ToString()]);

    internal string Origin =>
        $"Scale `{Scale.Name()}`, {Data}; {Machine.Hardware}, {Machine.Device}, "
        + $"libtorch {Machine.Libtorch}; commit {Commit}, {Date:yyyy-MM-dd}.";
}
