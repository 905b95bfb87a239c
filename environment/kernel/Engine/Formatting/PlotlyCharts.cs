using System.Net;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using CsNotebook.Notebook;

namespace CsNotebook.Engine.Formatting;

/// <summary>
/// Charts of Plotly.NET, which the kernel does not reference. As plotly's JSON for front ends that draw it, as HTML that
/// draws itself without a network, and in words.
/// </summary>
internal static class PlotlyCharts
{
    /// <summary>plotly's JSON, by the name that Jupyter's and VS Code's renderers know.</summary>
    public const string MimeType = "application/vnd.plotly.v1+json";

    /// <summary>Where a chart's HTML needs plotly.js before it; see <see cref="PageScripts"/>.</summary>
    public const string ScriptPlace = "<!-- plotly.js goes here -->";

    private const string TypeName = "Plotly.NET.GenericChart";

    private static string? script;

    /// <summary>plotly.js for a page: Plotly.NET's own copy of it.</summary>
    /// <remarks>A page may have a loader (require.js), to which the script would give itself instead of to the page.</remarks>
    public static string Script => script is null ? "" : "<script>(() => { if (window.Plotly) return;\n"
        + $"const define = undefined, module = undefined, exports = undefined;\n{Inline(script)}\n}})();</script>\n";

    /// <summary>Whether a type is that of charts.</summary>
    public static bool Knows(Type type) => Chart(type) is not null;

    /// <summary>Adds what a chart looks like.</summary>
    public static void Format(object value, IReadOnlyList<string> mimeTypes, MimeBundle bundle)
    {
        if (Chart(value.GetType()) is not { } type
            || type.GetMethod("toFigureJson", BindingFlags.Public | BindingFlags.Static) is not { } toJson)
            return;
        script ??= ReadScript(type.Assembly);
        string json = (string)toJson.Invoke(null, [value])!;
        var figure = JsonNode.Parse(json)!;
        foreach (string mimeType in mimeTypes.Count > 0 ? mimeTypes : [MimeType, "text/html"])
        {
            if (mimeType == MimeType)
                bundle.Add(mimeType, json);
            else if (mimeType == "text/html")
                bundle.Add(mimeType, Html(json, figure));
        }
        bundle.Add("text/plain", Words(figure));
    }

    private static Type? Chart(Type? type) => type is null || type.FullName == TypeName ? type : Chart(type.BaseType);

    private static string? ReadScript(Assembly assembly)
    {
        string? name = assembly.GetManifestResourceNames().FirstOrDefault(n => n.EndsWith(".min.js", StringComparison.Ordinal));
        if (name is null)
            return null;
        using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }

    /// <summary>A box, and a script that waits until the box is on the page, and plotly.js too.</summary>
    private static string Html(string json, JsonNode figure)
    {
        string id = $"chart-{Guid.NewGuid():N}", words = WebUtility.HtmlEncode(Words(figure));
        return $$"""
            {{ScriptPlace}}<div id="{{id}}" role="img" aria-label="{{words}}">
            <small>{{words}}. plotly.js draws it, which comes with the page's first chart: run all cells to see it.</small>
            </div>
            <script>(() => {
            const figure = {{Inline(json)}};
            const draw = tries => {
              const box = document.getElementById('{{id}}');
              if (box && window.Plotly) {
                box.textContent = '';
                Plotly.newPlot(box, figure.data, figure.layout, figure.config);
              } else if (tries > 0) {
                setTimeout(draw, 100, tries - 1);
              }
            };
            draw(100);
            })();</script>
            """;
    }

    private static string Words(JsonNode figure)
    {
        string title = JsonText.At(figure, "layout", "title", "text") is { Length: > 0 } text ? $"Chart \"{text}\"" : "Chart";
        var traces = (figure["data"] as JsonArray ?? []).Select(trace =>
        {
            string kind = JsonText.At(trace, "type") ?? "trace";
            string name = JsonText.At(trace, "name") is { } named ? $" \"{named}\"" : "";
            int points = ((trace?["y"] ?? trace?["x"] ?? trace?["values"] ?? trace?["z"]) as JsonArray)?.Count ?? 0;
            return points > 0 ? $"{kind}{name} of {points}" : $"{kind}{name}";
        });
        return $"{title}: {string.Join(", ", traces)}";
    }

    /// <summary>Text that may stand in a script of a page.</summary>
    private static string Inline(string text) =>
        text.Replace("</", "<\\/", StringComparison.Ordinal).Replace("<!--", "<\\!--", StringComparison.Ordinal);
}
