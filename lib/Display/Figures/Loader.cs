using PatchKit.Display.Formatting;

namespace PatchKit.Display.Figures;

/// <summary>
/// Brings plotly.js (npm's plotly.js-dist-min, 4.8 MB) to the page, after which figures there can be zoomed and hovered
/// over. Without it, and wherever scripts do not run, they stay the images that they are. In a notebook
/// <c>Loader.Nearby().Into(display("").Update)</c> leaves one line in the saved file, not the 6.4 MB that plotly.js is
/// there.
/// </summary>
/// <remarks>
/// What it says is marked data-plotly-note: csnotebook's pages, which bring plotly.js themselves, leave it out.
/// </remarks>
[TypeFormatterSource(typeof(FormatterSource<Loader>), PreferredMimeTypes = [Mime.Html, Mime.Text])]
public sealed class Loader : IRendered
{
    // Puts a chart into each figure's place, now and as figures come. What plotly.js needs stands beside the image,
    // compressed; colours of the ink and of the paper are the page's.
    private const string Upgrade = """
        const probe = document.createElement('span');
        probe.style.color = 'var(--vscode-editor-foreground,var(--jp-content-font-color1,#1f2328))';
        probe.style.backgroundColor = 'var(--vscode-editor-background,var(--jp-layout-color0,#ffffff))';
        const draw = async box => {
          box.dataset.live = 'yes';
          const bytes = Uint8Array.from(atob(box.dataset.figure), c => c.charCodeAt(0));
          const inflated = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
          const figure = await new Response(inflated).json();
          document.body.append(probe);
          const ink = getComputedStyle(probe).color, paper = getComputedStyle(probe).backgroundColor;
          probe.remove();
          const themed = value => {
            if (Array.isArray(value)) return value.map(themed);
            if (value && typeof value === 'object')
              return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, themed(part)]));
            return value === '#1f2328' ? ink : value === '#ffffff' ? paper : value;
          };
          const chart = document.createElement('div'), image = box.querySelector('img'), live = themed(figure);
          box.insertBefore(chart, image);
          image.style.display = 'none';
          try {
            await Plotly.newPlot(chart, live.data, live.layout, live.config);
          } catch {
            chart.remove();
            image.style.display = 'block';
          }
        };
        const all = () => {
          if (window.Plotly && Plotly.newPlot)
            document.querySelectorAll('.patchkit-figure[data-figure]:not([data-live])').forEach(draw);
        };
        if (!window.patchkitFigures) {
          window.patchkitFigures = new MutationObserver(all);
          window.patchkitFigures.observe(document.documentElement, { childList: true, subtree: true });
          window.addEventListener('load', all);
        }
        all();
        """;

    private readonly string _html,
        _text,
        _line;

    private Loader(string html, string text, string line) => (_html, _text, _line) = (html, text, line);

    /// <summary>plotly.js from a file, put into the page whole, so that the page works offline.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static Loader FromFile(string path)
    {
        if (!File.Exists(path))
            throw new FileNotFoundException(
                $"there is no plotly.js at '{path}'; npm's plotly.js-dist-min holds it as plotly.min.js.",
                path
            );
        // As base64 no byte of it can end the element early; a module loader on the page must not take it for its own.
        string source = Convert.ToBase64String(File.ReadAllBytes(path));
        string html = $$"""
            <script>(() => {
            if (!window.Plotly) {
              const script = document.createElement('script'), define = window.define;
              script.textContent = new TextDecoder().decode(Uint8Array.from(atob('{{source}}'), c => c.charCodeAt(0)));
              window.define = undefined;
              document.head.append(script);
              window.define = define;
            }
            {{Upgrade}}
            })();</script>
            """;
        const string Line = "plotly.js is loaded: figures on this page can be zoomed, until it is loaded again.";
        return new Loader(
            html + $"<small data-plotly-note>{Line}</small>",
            $"plotly.js from {Path.GetFileName(path)}",
            Line
        );
    }

    /// <summary>
    /// plotly.js where `npm install plotly.js-dist-min` put it, in this folder or one above; without it, a line that
    /// says how figures become interactive.
    /// </summary>
    public static Loader Nearby()
    {
        for (var folder = new DirectoryInfo(Environment.CurrentDirectory); folder is not null; folder = folder.Parent)
            if (
                Path.Combine(folder.FullName, "node_modules", "plotly.js-dist-min", "plotly.min.js") is var path
                && File.Exists(path)
            )
                return FromFile(path);
        const string Advice =
            "Figures are images here. VS Code makes them interactive by itself; elsewhere `npm install "
            + "plotly.js-dist-min` in PatchKit's folder does, and this cell again.";
        return new Loader(new Markup().Add($"<small data-plotly-note>{Advice}</small>").ToString(), Advice, Advice);
    }

    /// <summary>plotly.js from an address, which the page asks for it.</summary>
    public static Loader FromUrl(string url) =>
        new(
            new Markup()
                .Add($"<script src='{url}' charset='utf-8'></script>")
                .Raw(
                    $"<script>(() => {{\n{Upgrade}\nfor (const wait of [500, 2000, 8000]) setTimeout(all, "
                        + "wait);\n})();</script>"
                )
                .Add(
                    $"<small data-plotly-note>Figures on this page can be zoomed once plotly.js has come "
                        + $"from {url}.</small>"
                )
                .ToString(),
            $"plotly.js from {url}",
            $"Figures on this page can be zoomed once plotly.js has come from {url}."
        );

    /// <summary>
    /// Loads it and leaves one line: what a page has loaded stays with the page, and need not lie in the notebook's
    /// file.
    /// </summary>
    /// <param name="show">shows a value in the place of the last one: a DisplayedValue's Update.</param>
    public void Into(Action<object> show)
    {
        if (_html.Contains("<script", StringComparison.Ordinal))
            show(this);
        show(new Loader(new Markup().Add($"<small data-plotly-note>{_line}</small>").ToString(), _text, _line));
    }

    /// <inheritdoc/>
    public string Render(string mimeType) =>
        mimeType switch
        {
            Mime.Html => _html,
            Mime.Text => _text,
            _ => throw Mime.Unknown(this, mimeType),
        };

    /// <summary>Where plotly.js comes from.</summary>
    public override string ToString() => _text;
}
