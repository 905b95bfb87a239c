namespace PatchKit.Display;

/// <summary>
/// One cell's output that brings plotly.js (npm's plotly.js-dist-min, 4.8 MB) to the page, after which figures can be zoomed and hovered over. Without
/// it, and wherever scripts do not run, they stay the drawings that they are.
/// </summary>
[TypeFormatterSource(typeof(FormatterSource<Loader>), PreferredMimeTypes = [Mime.Html, Mime.Text])]
public sealed class Loader : IRendered
{
    private const string Announce = "window.dispatchEvent(new Event('patchkit-plotly'))";
    private readonly string _html, _text;

    private Loader(string html, string text) => (_html, _text) = (html, text);

    /// <summary>plotly.js from a file, put into the page whole, so that the page works offline.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static Loader FromFile(string path)
    {
        if (!File.Exists(path)) throw new FileNotFoundException($"there is no plotly.js at '{path}'; npm's plotly.js-dist-min holds it as plotly.min.js.", path);
        // As base64 no byte of it can end the element early; a module loader on the page must not take it for its own.
        string source = Convert.ToBase64String(File.ReadAllBytes(path));
        string html =
            $$"""
            <script>(() => {
            if (!window.Plotly) {
              const script = document.createElement('script'), define = window.define;
              script.textContent = new TextDecoder().decode(Uint8Array.from(atob('{{source}}'), c => c.charCodeAt(0)));
              window.define = undefined;
              document.head.append(script);
              window.define = define;
            }
            {{Announce}};
            })();</script><small>plotly.js is loaded: figures on this page can be zoomed.</small>
            """;
        return new Loader(html, $"plotly.js from {Path.GetFileName(path)}");
    }

    /// <summary>
    /// plotly.js where `npm install plotly.js-dist-min` put it, in this folder or one above; without it, a line that says how figures become interactive.
    /// </summary>
    public static Loader Nearby()
    {
        for (var folder = new DirectoryInfo(Environment.CurrentDirectory); folder is not null; folder = folder.Parent)
            if (Path.Combine(folder.FullName, "node_modules", "plotly.js-dist-min", "plotly.min.js") is var path && File.Exists(path)) return FromFile(path);
        const string Advice = "Figures are drawings here. VS Code makes them interactive by itself; elsewhere `npm install plotly.js-dist-min` in PatchKit's folder does, and this cell again.";
        return new Loader(new Markup().Add($"<small>{Advice}</small>").ToString(), Advice);
    }

    /// <summary>plotly.js from an address, which the page asks for it.</summary>
    public static Loader FromUrl(string url) => new(new Markup()
        .Add($"<script src='{url}' charset='utf-8' onload='{Announce}'></script>")
        .Add($"<small>Figures on this page can be zoomed once plotly.js has come from {url}.</small>").ToString(), $"plotly.js from {url}");

    /// <inheritdoc/>
    public string Render(string mimeType) => mimeType switch { Mime.Html => _html, Mime.Text => _text, _ => throw Mime.Unknown(this, mimeType) };

    /// <summary>Where plotly.js comes from.</summary>
    public override string ToString() => _text;
}
