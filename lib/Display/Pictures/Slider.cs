namespace PatchKit.Display;

/// <summary>
/// Things to look at one after another, such as an image cut at each patch size: a slider where scripts run, all of them one below the other where
/// they do not.
/// </summary>
/// <param name="Label">what the slider sets.</param>
/// <param name="Stops">its stops, each with a name.</param>
[TypeFormatterSource(typeof(FormatterSource<Slider>), PreferredMimeTypes = [Mime.Html, Mime.Text])]
public sealed record Slider(string Label, params IReadOnlyList<(string Name, IRendered Value)> Stops) : IRendered
{
    // As in FigureHtml, VS Code runs the script at the end of the output.
    private const string Script =
        """
        <script>(() => {
        const script = document.currentScript, box = script.closest('.patchkit-slider') || script.parentNode.querySelector('.patchkit-slider:not([data-live])');
        if (!box) return;
        box.dataset.live = 'yes';
        const stops = [...box.querySelectorAll('[data-stop]')], input = box.querySelector('input'), output = box.querySelector('output');
        const show = () => { stops.forEach((stop, i) => stop.style.display = i == input.value ? '' : 'none'); output.textContent = stops[input.value].dataset.stop; };
        box.querySelector('label').style.display = 'flex';
        stops.forEach(stop => stop.firstElementChild.style.display = 'none');
        input.addEventListener('input', show);
        show();
        })();</script>
        """;

    /// <summary>The slider in HTML.</summary>
    public string ToHtml()
    {
        var html = new Markup().Add($"<div class='patchkit-slider'><label style='display:none;align-items:center;gap:10px;margin:4px 0 8px'>{Label} ")
            .Add($"<input type='range' min='0' max='{Math.Max(0, Stops.Count - 1)}' value='0' step='1' style='width:260px'> <output style='font-weight:600'></output></label>");
        foreach (var (name, value) in Stops)
            html.Add($"<div data-stop='{name}' style='margin-bottom:12px'><div>{Label} <strong>{name}</strong></div>").Raw(value.Render(Mime.Html)).Raw("</div>");
        return (Stops.Count == 0 ? html : html.Raw(Script)).Raw("</div>").ToString();
    }

    /// <inheritdoc/>
    public string Render(string mimeType) => mimeType switch { Mime.Html => ToHtml(), Mime.Text => ToString(), _ => throw Mime.Unknown(this, mimeType) };

    /// <summary>Each stop as text.</summary>
    public override string ToString() => string.Join("\n\n", Stops.Select(stop => $"{Label} {stop.Name}\n{stop.Value.Render(Mime.Text)}"));
}
