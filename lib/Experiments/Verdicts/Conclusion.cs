using PatchKit.Display.Formatting;

namespace PatchKit.Experiments.Verdicts;

/// <summary>What the numbers of a report say about the paper's claims, and what must be kept in mind.</summary>
/// <param name="Verdicts">each effect that the paper claims.</param>
/// <param name="Caveats">what must be kept in mind wherever these numbers are shown.</param>
[TypeFormatterSource(typeof(FormatterSource<Conclusion>), PreferredMimeTypes = [Mime.Html, Mime.Markdown, Mime.Text])]
public sealed record Conclusion(IReadOnlyList<Verdict> Verdicts, IReadOnlyList<string> Caveats) : IRendered
{
    /// <summary>
    /// The conclusion in HTML: a mark and a word for each outcome, so that colour alone never has to tell.
    /// </summary>
    public string ToHtml()
    {
        var html = new Markup().Raw("<ul style='list-style:none;padding-left:0;margin:8px 0;max-width:860px'>");
        foreach (var verdict in Verdicts)
        {
            var (mark, colour) = verdict.Outcome switch
            {
                Outcome.Shown => ("✔", Palette.Green),
                Outcome.ShownInTheMean => ("◐", Palette.Blue),
                Outcome.NotShown => ("✘", Palette.Vermillion),
                _ => ("○", "#888888"),
            };
            html.Add(
                    $"<li style='margin:7px 0;padding:2px 0 2px 10px;border-left:4px "
                        + $"solid {colour}'><strong>{mark} {verdict.Word}</strong>: "
                )
                .Prose($"{verdict.Effect}. ")
                .Raw("<span style='opacity:0.8'>")
                .Prose(verdict.Because)
                .Raw("</span></li>");
        }
        html.Raw("</ul>");
        if (Caveats.Count == 0)
            return html.ToString();
        html.Raw("<div style='font-size:90%;opacity:0.8;max-width:860px'>Keep in mind:<ul style='margin:4px 0'>");
        foreach (string caveat in Caveats)
            html.Raw("<li>").Prose(caveat).Raw("</li>");
        return html.Raw("</ul></div>").ToString();
    }

    /// <summary>The conclusion in Markdown.</summary>
    public string ToMarkdown() =>
        string.Join(
            "\n\n",
            [
                string.Join('\n', Verdicts.Select(verdict => $"- {Numbers.Proper(verdict.ToString())}")),
                .. Caveats.Count == 0
                    ? Array.Empty<string>()
                    : ["Keep in mind:\n" + string.Join('\n', Caveats.Select(caveat => $"- {caveat}"))],
            ]
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

    /// <summary>The conclusion as text.</summary>
    public override string ToString() => ToMarkdown();
}
