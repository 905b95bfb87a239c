using System.Text.Json;
using PatchKit.Display;
using Xunit;

namespace PatchKit.Tests.Display;

/// <summary>A figure as plotly's JSON, as HTML, and as characters.</summary>
public sealed class FigureFormsTests
{
    [Fact]
    public void ThePlotlyJsonIsAsBefore() => Samples.IsAsBefore("comparison.json", Indented(Samples.Comparison.ToPlotlyJson()));

    [Fact]
    public void TheTextIsAsBefore() => Samples.IsAsBefore("comparison.txt", Samples.Comparison.ToString());

    [Fact]
    public void BothAreTheSameInAnyCulture()
    {
        Assert.Equal(Samples.Comparison.ToPlotlyJson(), Samples.Elsewhere(Samples.Comparison.ToPlotlyJson));
        Assert.Equal(Samples.Comparison.ToString(), Samples.Elsewhere(Samples.Comparison.ToString));
    }

    [Fact]
    public void PlotlyGetsPlainArraysAboveTheFloorWithTheValuesBesideThem()
    {
        using var json = JsonDocument.Parse(Samples.Comparison.ToPlotlyJson());
        var run = json.RootElement.GetProperty("data").EnumerateArray().Single(trace => trace.GetProperty("name").GetString() == "this run");
        Assert.Equal("scatter", run.GetProperty("type").GetString());
        Assert.Equal(1.15 - 0.8, run.GetProperty("y")[0].GetDouble(), 1e-12);
        Assert.Equal(1.15, run.GetProperty("customdata")[0].GetDouble());
        Assert.Equal(JsonValueKind.Null, run.GetProperty("y")[2].ValueKind);
        Assert.Equal("circle", run.GetProperty("marker").GetProperty("symbol").GetString());
        var layout = json.RootElement.GetProperty("layout");
        Assert.Equal("log", layout.GetProperty("yaxis").GetProperty("type").GetString());
        var (places, names) = (layout.GetProperty("yaxis").GetProperty("tickvals"), layout.GetProperty("yaxis").GetProperty("ticktext"));
        for (int i = 0; i < names.GetArrayLength(); i++)
            Assert.Equal(double.Parse(names[i].GetString()!, System.Globalization.CultureInfo.InvariantCulture), places[i].GetDouble() + 0.8, 1e-9);
        Assert.Equal("patch size (pixels)", layout.GetProperty("xaxis").GetProperty("title").GetProperty("text").GetString());
        Assert.True(layout.GetProperty("xaxis").GetProperty("range")[0].GetDouble() > layout.GetProperty("xaxis").GetProperty("range")[1].GetDouble());
    }

    [Fact]
    public void PanelsHaveAxesOfTheirOwn()
    {
        var panel = new Panel(new Axis("x"), new Axis("y")).Line("loss", [1, 2], [3, 4]);
        using var json = JsonDocument.Parse(new Figure("four", panel, panel, panel, panel).ToPlotlyJson());
        Assert.Equal(["x", "x2", "x3", "x4"], json.RootElement.GetProperty("data").EnumerateArray().Select(trace => trace.GetProperty("xaxis").GetString()));
        Assert.Equal(1, json.RootElement.GetProperty("data").EnumerateArray().Count(trace => trace.GetProperty("showlegend").GetBoolean()));
        double Left(string axis) => json.RootElement.GetProperty("layout").GetProperty(axis).GetProperty("domain")[0].GetDouble();
        Assert.Equal((Left("xaxis"), Left("xaxis2")), (Left("xaxis3"), Left("xaxis4")));
        Assert.True(Left("yaxis") > Left("yaxis3"));
    }

    [Fact]
    public void HtmlShowsTheDrawingWithoutScriptsAndItsScriptCannotBeEndedEarly()
    {
        string html = (Samples.Comparison with { Caption = "</script><script>alert(1)</script>" }).ToHtml();
        Assert.StartsWith("<div class='patchkit-figure'", html);
        Assert.Equal(1, html.Split("</script>").Length - 1);
        Assert.Contains((Samples.Comparison with { Caption = "</script><script>alert(1)</script>" }).ToSvg(), html);
        Assert.Contains("window.Plotly", html);
    }

    [Fact]
    public void TheLoaderPutsAFileIntoThePageWhole()
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, "window.Plotly = '</script>';");
            string html = Loader.FromFile(path).Render(Mime.Html);
            Assert.Equal(1, html.Split("</script>").Length - 1);
            Assert.Contains("patchkit-plotly", html);
        }
        finally
        {
            File.Delete(path);
        }
        Assert.Contains("src='https://example.org/plotly.min.js'", Loader.FromUrl("https://example.org/plotly.min.js").Render(Mime.Html));
        Assert.Contains("plotly.js-dist-min", Assert.Throws<FileNotFoundException>(() => Loader.FromFile("missing.js")).Message);
    }

    private static string Indented(string json)
    {
        using var document = JsonDocument.Parse(json);
        return JsonSerializer.Serialize(document.RootElement, new JsonSerializerOptions { WriteIndented = true, IndentSize = 1 });
    }
}
