using System.IO.Compression;
using System.Text.Json;
using PatchKit.Display.Figures;
using PatchKit.Display.Formatting;
using PatchKit.Tests.Display.Formatting;
using Xunit;

namespace PatchKit.Tests.Display.Figures;

/// <summary>A figure as plotly's JSON, as HTML, and as characters.</summary>
public sealed class FigureFormsTests
{
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true, IndentSize = 1 };

    [Fact]
    public void ThePlotlyJsonIsAsBefore() =>
        Samples.IsAsBefore("comparison.json", Indented(Samples.Comparison.ToPlotlyJson()));

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
        var run = json
            .RootElement.GetProperty("data")
            .EnumerateArray()
            .Single(trace => trace.GetProperty("name").GetString() == "this run");
        Assert.Equal("scatter", run.GetProperty("type").GetString());
        Assert.Equal(1.15 - 0.8, run.GetProperty("y")[0].GetDouble(), 1e-12);
        Assert.Equal(1.15, run.GetProperty("customdata")[0].GetDouble());
        Assert.Equal(JsonValueKind.Null, run.GetProperty("y")[2].ValueKind);
        Assert.Equal("circle", run.GetProperty("marker").GetProperty("symbol").GetString());
        var layout = json.RootElement.GetProperty("layout");
        Assert.Equal("log", layout.GetProperty("yaxis").GetProperty("type").GetString());
        var (places, names) = (
            layout.GetProperty("yaxis").GetProperty("tickvals"),
            layout.GetProperty("yaxis").GetProperty("ticktext")
        );
        for (int i = 0; i < names.GetArrayLength(); i++)
            Assert.Equal(
                double.Parse(names[i].GetString()!, System.Globalization.CultureInfo.InvariantCulture),
                places[i].GetDouble() + 0.8,
                1e-9
            );
        Assert.Equal(
            "patch size (pixels)",
            layout.GetProperty("xaxis").GetProperty("title").GetProperty("text").GetString()
        );
        Assert.True(
            layout.GetProperty("xaxis").GetProperty("range")[0].GetDouble()
                > layout.GetProperty("xaxis").GetProperty("range")[1].GetDouble()
        );
    }

    [Fact]
    public void PanelsHaveAxesOfTheirOwn()
    {
        var panel = new Panel(new Axis("x"), new Axis("y")).Line("loss", [1, 2], [3, 4]);
        using var json = JsonDocument.Parse(new Figure("four", panel, panel, panel, panel).ToPlotlyJson());
        Assert.Equal(
            ["x", "x2", "x3", "x4"],
            json.RootElement.GetProperty("data")
                .EnumerateArray()
                .Select(trace => trace.GetProperty("xaxis").GetString())
        );
        Assert.Equal(
            1,
            json.RootElement.GetProperty("data")
                .EnumerateArray()
                .Count(trace => trace.GetProperty("showlegend").GetBoolean())
        );
        double Left(string axis) =>
            json.RootElement.GetProperty("layout").GetProperty(axis).GetProperty("domain")[0].GetDouble();
        Assert.Equal((Left("xaxis"), Left("xaxis2")), (Left("xaxis3"), Left("xaxis4")));
        Assert.True(Left("yaxis") > Left("yaxis3"));
    }

    [Fact]
    public void HtmlIsOneImageAndCarriesWhatPlotlyNeedsButNoScript()
    {
        var figure = Samples.Comparison with { Caption = "</script><script>alert(1)</script>" };
        string html = figure.ToHtml();
        Assert.StartsWith("<div class='patchkit-figure'", html);
        Assert.DoesNotContain("<script", html);
        var image = UntrustedTests.Drawing(Attribute(html, "src"));
        Assert.DoesNotContain(image.Descendants(), element => element.Name.LocalName is "title" or "desc" or "script");
        Assert.Contains(figure.Title, image.Value);
        Assert.StartsWith(figure.Title, System.Net.WebUtility.HtmlDecode(Attribute(html, "alt")));
        using var deflated = new DeflateStream(
            new MemoryStream(Convert.FromBase64String(Attribute(html, "data-figure"))),
            CompressionMode.Decompress
        );
        Assert.Equal(figure.ToPlotlyJson(), new StreamReader(deflated).ReadToEnd());
        Assert.True(
            html.Length < figure.ToSvg().Length + figure.ToPlotlyJson().Length,
            "stored once, a figure is smaller than drawing and data side by side"
        );

        static string Attribute(string html, string name) => html.Split($" {name}='")[1].Split('\'')[0];
    }

    [Fact]
    public void TheImageFollowsThePagesScheme()
    {
        string svg = new FigureSvg(Samples.Comparison, alone: true).Render();
        Assert.Contains("prefers-color-scheme:dark", svg);
        Assert.DoesNotContain("var(--", svg);
        Assert.DoesNotContain(Markup.Ink + "'", svg);
    }

    [Fact]
    public void PanelsOfOneRangeCanBeComparedByEye()
    {
        Panel Of(params double[] losses) =>
            new Panel(new Axis("x"), new Axis("loss") { Min = 0 }).Line(
                "a",
                losses.Select((_, i) => (double)i),
                losses
            );
        var panels = new Figure("two", Of(1, 2), Of(3, 10)).SameY().Panels;
        // 10 and a twentieth of 1 to 10
        Assert.All(panels, panel => Assert.Equal((0, 10.45), (panel.Y.Min, Math.Round(panel.Y.Max!.Value, 9))));
        Assert.Empty(new Figure("none").SameY().Panels);
        Assert.Equal(Of(), Assert.Single(new Figure("empty", Of()).SameY().Panels), (one, other) => one!.Y == other!.Y);
    }

    [Fact]
    public void AFamilyHasItsColourAndASourceItsMarkerWhateverComesFirst()
    {
        Panel Of(params string[] names) =>
            names.Aggregate(
                new Panel(new Axis("x"), new Axis("y")),
                (panel, name) =>
                    panel.Line(
                        name,
                        [1],
                        [1],
                        name.StartsWith("paper") ? Origin.Paper
                            : name.StartsWith("recorded") ? Origin.Recorded
                            : Origin.ThisRun,
                        points: true
                    )
            );
        foreach (
            var panel in new[]
            {
                Of("ViT, 16 px", "Adventurer, 16 px"),
                Of("Adventurer, 16 px", "ViT, 16 px"),
                Of("recorded here", "Adventurer, 16 px", "paper, DeiT-B", "DeiT-S, 64 px"),
            }
        )
        {
            var styles = new MarkStyles(new Figure("", panel));
            var byName = panel.Marks.ToDictionary(mark => mark.Name, styles.Of);
            Assert.Equal(Palette.Vermillion, byName["Adventurer, 16 px"].Colour);
            if (byName.TryGetValue("ViT, 16 px", out var vit))
                Assert.Equal(Palette.Blue, vit.Colour);
            if (byName.TryGetValue("paper, DeiT-B", out var paper))
                Assert.Equal((Palette.Blue, Shape.Square), (paper.Colour, paper.Shape));
            Assert.Equal(byName.Count, byName.Values.Select(style => style.Colour).Distinct().Count());
            Assert.All(
                byName.Values.Where(style => style.Origin == Origin.ThisRun),
                style => Assert.Equal(Shape.Circle, style.Shape)
            );
            Assert.All(
                byName.Values.Where(style => style.Origin == Origin.Recorded),
                style => Assert.Equal(Shape.Diamond, style.Shape)
            );
        }
        Assert.Equal(
            Palette.Lines,
            new[] { Of([.. Enumerable.Range(0, 6).Select(i => $"line {i}")]) }
                .SelectMany(panel => panel.Marks.Select(new MarkStyles(new Figure("", panel)).Of))
                .Select(style => style.Colour!)
        );
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
            Assert.Contains(".patchkit-figure[data-figure]", html);
            var shown = new List<string>();
            Loader.FromFile(path).Into(value => shown.Add(((Loader)value).Render(Mime.Html)));
            Assert.Equal(html, shown[0]);
            Assert.Equal(2, shown.Count);
            Assert.DoesNotContain("<script", shown[1]);
            Assert.InRange(shown[1].Length, 20, 200);
        }
        finally
        {
            File.Delete(path);
        }
        Assert.Contains(
            "src='https://example.org/plotly.min.js'",
            Loader.FromUrl("https://example.org/plotly.min.js").Render(Mime.Html)
        );
        Assert.Contains(
            "plotly.js-dist-min",
            Assert.Throws<FileNotFoundException>(() => Loader.FromFile("missing.js")).Message
        );
    }

    private static string Indented(string json)
    {
        using var document = JsonDocument.Parse(json);
        return JsonSerializer.Serialize(document.RootElement, s_indented);
    }
}
