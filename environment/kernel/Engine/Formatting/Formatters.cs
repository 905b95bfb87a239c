using System.Text.Json;
using System.Text.Json.Nodes;

namespace CsNotebook.Engine.Formatting;

/// <summary>
/// Turns values into MIME bundles: by what a cell registered, else as charts and tables of libraries that are known by
/// name, else by the convention of TypeFormatterSourceAttribute, else by kind. A bundle always has text/plain.
/// </summary>
internal static class Formatters
{
    /// <summary>The representations of a value, the preferred first.</summary>
    /// <param name="value">the value, null included.</param>
    /// <param name="mimeTypes">the wanted MIME types; none means the value's own choice.</param>
    public static MimeBundle Format(object? value, params IReadOnlyList<string> mimeTypes)
    {
        var bundle = new MimeBundle();
        if (value is MimeBundle ready)
            return ready;
        AddOwn(value, mimeTypes, bundle);
        if (bundle.Count == 0)
            AddDefaults(value, mimeTypes, bundle);
        AddOwn(value, ["text/plain"], bundle);
        bundle.Add("text/plain", TextFormat.Long(value));
        return bundle;
    }

    /// <summary>Whether values of a type bring a look of their own, and are no rows of a table.</summary>
    public static bool HasOwn(Type type) =>
        PlotlyCharts.Knows(type) || DataFrames.Knows(type) || ConventionFormatters.Has(type);

    /// <summary>Adds the looks that a value brings: by registration, as a known library's, by convention.</summary>
    public static void AddOwn(object? value, IReadOnlyList<string> mimeTypes, MimeBundle bundle)
    {
        if (value is null)
            return;
        Registered.Format(value, mimeTypes, bundle);
        PlotlyCharts.Format(value, mimeTypes, bundle);
        DataFrames.Format(value, mimeTypes, bundle);
        ConventionFormatters.Format(value, mimeTypes, bundle);
    }

    private static void AddDefaults(object? value, IReadOnlyList<string> mimeTypes, MimeBundle bundle)
    {
        if (value is string text && mimeTypes is [var wanted])
            bundle.Add(wanted, text);
        else if (Json(value) is { } json)
            bundle.Add("application/json", json);
        else if ((mimeTypes.Count == 0 || mimeTypes.Contains("text/html")) && HtmlFormat.Render(value) is { } html)
            bundle.Add("text/html", html);
        foreach (string mimeType in mimeTypes)
        {
            if (mimeType == "application/json")
                bundle.Add(mimeType, JsonSerializer.Serialize(value));
        }
    }

    private static string? Json(object? value) =>
        value switch
        {
            JsonNode node => node.ToJsonString(),
            JsonElement element => element.GetRawText(),
            JsonDocument document => document.RootElement.GetRawText(),
            _ => null,
        };
}
