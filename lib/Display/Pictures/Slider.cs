using PatchKit.Display.Formatting;

namespace PatchKit.Display.Pictures;

/// <summary>
/// Things to look at one after another, such as an image cut at each patch size: a slider where scripts run. Where they
/// do not, as in a notebook that is opened and not trusted yet, the first of them, and the others folded below a line
/// that says why.
/// </summary>
/// <param name="Label">what the slider sets.</param>
/// <param name="Stops">its stops, each with a name.</param>
[TypeFormatterSource(typeof(FormatterSource<Slider>), PreferredMimeTypes = [Mime.Html, Mime.Text])]
public sealed record Slider(string Label, params IReadOnlyList<(string Name, IRendered Value)> Stops) : IRendered
{
    internal const string Why =
        "The other stops, one below the other: a slider needs a script, which this page does not run. Run "
        + "the cell, or trust the notebook.";

    // JupyterLab runs a script where it stands, VS Code at the end of the output, the classic notebook in the page's
    // head before the output is in the page: so the script looks for every slider that is not set up yet, now and a
    // little later.
    private const string Script = """
        <script>(() => {
        const setUp = box => {
          box.dataset.live = 'yes';
          const stops = [...box.querySelectorAll('[data-stop]')], line = document.createElement('label');
          const input = document.createElement('input'), output = document.createElement('strong');
          line.style.cssText = 'display:flex;flex-wrap:wrap;align-items:center;gap:4px 10px;margin:4px 0 8px';
          Object.assign(input, { type: 'range', min: 0, max: stops.length - 1, step: 1, value: 0 });
          input.style.width = '260px';
          line.append(box.dataset.label, input, output);
          box.prepend(line);
          stops.forEach(stop => { box.append(stop); stop.firstElementChild.style.display = 'none'; });
          box.querySelector('details')?.remove();
          const show = () => {
            stops.forEach((stop, i) => stop.style.display = i == input.value ? '' : 'none');
            output.textContent = stops[input.value].dataset.stop;
          };
          input.addEventListener('input', show);
          show();
        };
        const script = document.currentScript, own = script && script.closest('.patchkit-slider');
        const all = () => document.querySelectorAll('.patchkit-slider:not([data-live])').forEach(setUp);
        if (own && !own.dataset.live) setUp(own);
        for (const wait of [0, 100, 1000]) setTimeout(all, wait);
        })();</script>
        """;

    /// <summary>The slider in HTML.</summary>
    public string ToHtml()
    {
        var html = new Markup().Add($"<div class='patchkit-slider' data-label='{Label}'>");
        for (int i = 0; i < Stops.Count; i++)
        {
            if (i == 1)
                html.Add($"<details><summary>{Why}</summary>");
            html.Add(
                    $"<div data-stop='{Stops[i].Name}' style='margin-bottom:12px'><div>{Label} "
                        + $"<strong>{Stops[i].Name}</strong></div>"
                )
                .Raw(Stops[i].Value.Render(Mime.Html))
                .Raw("</div>");
        }
        if (Stops.Count > 1)
            html.Raw("</details>");
        return (Stops.Count == 0 ? html : html.Raw(Script)).Raw("</div>").ToString();
    }

    /// <inheritdoc/>
    public string Render(string mimeType) =>
        mimeType switch
        {
            Mime.Html => ToHtml(),
            Mime.Text => ToString(),
            _ => throw Mime.Unknown(this, mimeType),
        };

    /// <summary>Each stop as text.</summary>
    public override string ToString() =>
        string.Join("\n\n", Stops.Select(stop => $"{Label} {stop.Name}\n{stop.Value.Render(Mime.Text)}"));
}
