using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.FSharp.Collections;
using Plotly.NET;
using Plotly.NET.LayoutObjects;
using Plotly.NET.TraceObjects;
using DynamicProperties = DynamicObj.DynamicObj;

namespace PatchKit.Display.Figures;

/// <summary>Figures as charts of Plotly.NET, to be restyled and combined by its functions.</summary>
/// <remarks>Extensions, so that only a program that asks for a chart loads Plotly.NET.</remarks>
public static partial class PlotlyNet
{
    /// <summary>
    /// Whether Plotly.NET can be loaded: not in a process that holds an older FSharp.Core, such as .NET Interactive.
    /// </summary>
    public static bool IsAvailable { get; } = CanLoad();

    /// <summary>
    /// The figure as Plotly.NET has it: what <see cref="Figure.ToPlotlyJson"/> says, property by property, in
    /// Plotly.NET's own types, so that Chart.withTitle, Chart.withXAxis or Chart.withLegend change what they name and
    /// leave the rest. The values of a logarithmic axis with a floor are value - floor, and its ticks name the values
    /// (<see cref="Axis.Floor"/>).
    /// </summary>
    /// <example><code>
    /// Plotly.NET.GenericChart chart = figure.ToPlotlyNet();
    /// </code></example>
    public static GenericChart ToPlotlyNet(this Figure figure)
    {
        using var json = JsonDocument.Parse(figure.ToPlotlyJson());
        var root = json.RootElement;
        var traces = root.GetProperty("data")
            .EnumerateArray()
            .Select(trace => (Trace)Filled(new Trace2D(trace.GetProperty("type").GetString()!), trace));
        var chart = GenericChart.ofTraceObjects(false, ListModule.OfSeq(traces));
        chart = GenericChart.setLayout(Filled(new Layout(), root.GetProperty("layout")), chart);
        return GenericChart.setConfig(Filled(new Config(), root.GetProperty("config")), chart);
    }

    /// <summary>The panel as a figure of its own in Plotly.NET; see <see cref="ToPlotlyNet(Figure)"/>.</summary>
    public static GenericChart ToPlotlyNet(this Panel panel) => ((Figure)panel).ToPlotlyNet();

    private static bool CanLoad()
    {
        try
        {
            return Load();
        }
        catch (Exception e)
            when (e
                    is FileLoadException
                        or FileNotFoundException
                        or TypeLoadException
                        or TypeInitializationException
                        or MissingMethodException
            )
        {
            return false;
        }

        // With its defaults, as its own charts have them: they are what an older FSharp.Core has no methods for.
        [MethodImpl(MethodImplOptions.NoInlining)]
        static bool Load() =>
            GenericChart.ofTraceObjects(true, ListModule.OfSeq<Trace>([new Trace2D("scatter")])) is not null;
    }

    // The type of a trace is no property among the others: its constructor takes it.
    private static T Filled<T>(T target, JsonElement from)
        where T : DynamicProperties
    {
        foreach (var property in from.EnumerateObject())
            if (target is not Trace || property.Name != "type")
                target.SetProperty(property.Name, Value(property.Name, property.Value));
        return target;
    }

    // Plotly.NET's functions look for properties of these types and put new ones in the place of any other.
    private static DynamicProperties Empty(string name) =>
        name switch
        {
            "title" => new Title(),
            "font" or "textfont" => new Font(),
            "margin" => new Margin(),
            "legend" => new Legend(),
            "modebar" => new ModeBar(),
            "shapes" => new Plotly.NET.LayoutObjects.Shape(),
            "annotations" => new Annotation(),
            "marker" => new Marker(),
            "line" => new Line(),
            "error_y" => new Error(),
            "colorbar" => new ColorBar(),
            _ when AxisName().IsMatch(name) => new LinearAxis(),
            _ => throw new NotSupportedException(
                $"plotly's '{name}' has no counterpart among Plotly.NET's types here; name one in PlotlyNet.Empty."
            ),
        };

    private static object? Value(string name, JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.Object => Filled(Empty(name), value),
            JsonValueKind.Array when name == "shapes" => Objects<Plotly.NET.LayoutObjects.Shape>(name, value),
            JsonValueKind.Array when name == "annotations" => Objects<Annotation>(name, value),
            JsonValueKind.Array => Values(name, value),
            JsonValueKind.String => value.GetString(),
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            JsonValueKind.Null => null,
            // A size in whole pixels, which Plotly.NET reads as an int.
            _ when name is "width" or "height" && value.TryGetInt32(out int pixels) => pixels,
            _ => value.GetDouble(),
        };

    private static T[] Objects<T>(string name, JsonElement array)
        where T : DynamicProperties => [.. array.EnumerateArray().Select(item => (T)Filled(Empty(name), item))];

    private static object Values(string name, JsonElement array)
    {
        bool Are(params ReadOnlySpan<JsonValueKind> kinds)
        {
            foreach (var item in array.EnumerateArray())
                if (!kinds.Contains(item.ValueKind))
                    return false;
            return true;
        }

        if (Are(JsonValueKind.Number))
            return array.EnumerateArray().Select(item => item.GetDouble()).ToArray();
        if (Are(JsonValueKind.Number, JsonValueKind.Null))
            return array
                .EnumerateArray()
                .Select(item => item.ValueKind == JsonValueKind.Null ? (double?)null : item.GetDouble())
                .ToArray();
        if (Are(JsonValueKind.String))
            return array.EnumerateArray().Select(item => item.GetString()).ToArray();
        return array.EnumerateArray().Select(item => Value(name, item)).ToArray();
    }

    [GeneratedRegex("^[xy]axis[0-9]*$")]
    private static partial Regex AxisName();
}
