using System.Text.Json.Nodes;
using PatchKit.Display.Figures;
using PatchKit.Display.Formatting;
using Plotly.NET;
using Plotly.NET.CSharp;
using Plotly.NET.LayoutObjects;
using Xunit;
using Chart = Plotly.NET.Chart;
using Figure = PatchKit.Display.Figures.Figure;

namespace PatchKit.Tests.Display.Figures;

/// <summary>
/// Figures as charts of Plotly.NET: what plotly draws is the same, and that library's own functions restyle it.
/// </summary>
public sealed class PlotlyNetTests
{
    private static readonly Axis s_runs = Axis.Named("model", "ViT <small>", "Adventurer"),
        s_patches = Axis.Named("patch size", "8", "4", "2");
    private static readonly double[,] s_losses =
    {
        { 1.25, 0.5, double.NaN },
        { 2, 1234.25, -0.125 },
    };

    private static readonly Dictionary<string, Figure> s_kinds = new()
    {
        ["lines with a gap, a rule and notes"] = new Panel(new Axis("step"), new Axis("loss", "nats") { Min = 0 })
            .Line("train & test", [0, 1, 2, 3, 4], [4, double.NaN, 2, double.NaN, 1], points: false)
            .Level(2.5, "chance")
            .At(1, "warm-up")
            .Note(2, 2, "a < b"),
        ["points with errors"] = new Panel(
            new Axis("x") { Ticks = [1, 2], Format = "0.0" },
            new Axis("y") { Format = "0%" }
        ).Scatter("paper", [1, 2], [0.5, 0.75], Origin.Paper, error: [0.1, 0.2]),
        ["band and law above a floor"] = Samples.Comparison,
        ["bars"] = new Panel(s_runs, new Axis("top-1", "%"))
            .Bars("paper", [80, 70], Origin.Paper)
            .Bars("this run", [81, double.NaN], error: [1, 2]),
        ["heat map"] = new Panel(s_patches, s_runs) { Title = "losses" }.HeatMap(s_losses, "nats"),
        ["large heat map"] = new Panel(new Axis("column"), new Axis("row"))
            .HeatMap(new double[64, 64], "weight", ColourMap.Diverging)
            .ToFigure("attention"),
        ["small multiples"] = new Figure(
            "Three",
            [
                .. Enumerable
                    .Range(1, 3)
                    .Select(i =>
                        new Panel(Axis.PatchSizes, Axis.Log("loss")) { Title = $"panel {i}" }.Line(
                            "ViT",
                            [16, 8],
                            [i, 0.5 * i],
                            points: true
                        )
                    ),
            ]
        )
        {
            Subtitle = "a subtitle",
            Caption = "a caption",
        },
        ["nothing yet"] = new Panel(Axis.PatchSizes, new Axis("loss")).Line("this run", [], []),
        ["a value without a place"] = new Panel(new Axis("x"), Axis.Log("y"))
            .Scatter("this run", [1, 2], [-1, 10])
            .ToFigure("refused"),
    };

    public static TheoryData<string> Kinds => [.. s_kinds.Keys];

    [Theory, MemberData(nameof(Kinds))]
    public void TheChartIsWhatTheNotebookShows(string kind)
    {
        var (chart, figure) = (Json(s_kinds[kind].ToPlotlyNet()), JsonNode.Parse(s_kinds[kind].ToPlotlyJson())!);
        foreach (string part in new[] { "data", "layout", "config" })
            Assert.True(JsonNode.DeepEquals(figure[part], chart[part]), $"{part}: {figure[part]}\n{chart[part]}");
        Assert.Equal(["data", "layout", "config"], chart.AsObject().Select(part => part.Key));
    }

    // As csnotebook shows it.
    [Theory, MemberData(nameof(Kinds))]
    public void TheChartWithoutItsConfigIsTheSame(string kind) =>
        Assert.True(
            JsonNode.DeepEquals(
                JsonNode.Parse(s_kinds[kind].ToPlotlyJson())!["data"],
                JsonNode.Parse(GenericChart.toFigureJson(s_kinds[kind].ToPlotlyNet()))!["data"]
            )
        );

    [Fact]
    public void TracesAxesAndNotesAreThoseOfTheFigure()
    {
        var lines = Json(s_kinds["lines with a gap, a rule and notes"].ToPlotlyNet());
        var line = lines["data"]!.AsArray().Single()!;
        Assert.Equal(
            ("scatter", "lines+markers", "train &amp; test"),
            ((string)line["type"]!, (string)line["mode"]!, (string)line["name"]!)
        );
        Assert.Equal([4, null, 2, null, 1], line["y"]!.AsArray().Select(value => (double?)value));
        Assert.Equal(["chance", "warm-up", "a &lt; b"], Texts(lines).Where(text => text != "loss (nats)"));
        Assert.Equal(2, lines["layout"]!["shapes"]!.AsArray().Count);
        Assert.Equal(
            ("linear", "linear"),
            ((string)lines["layout"]!["xaxis"]!["type"]!, (string)lines["layout"]!["yaxis"]!["type"]!)
        );

        var law = Json(Samples.Comparison.ToPlotlyNet());
        Assert.Equal(
            ("log", "log"),
            ((string)law["layout"]!["xaxis"]!["type"]!, (string)law["layout"]!["yaxis"]!["type"]!)
        );
        Assert.Equal(
            ["95% interval", "fitted law", "paper", "this run"],
            law["data"]!.AsArray().Select(trace => (string)trace!["name"]!)
        );
        Assert.Equal(
            ["none", "none", "square-open", "circle"],
            law["data"]!.AsArray().Select(trace => (string?)trace!["marker"]?["symbol"] ?? "none")
        );
        Assert.Equal(1.15, (double)law["data"]![3]!["customdata"]![0]!);

        var bars = Json(s_kinds["bars"].ToPlotlyNet());
        Assert.Equal(["bar", "bar"], bars["data"]!.AsArray().Select(trace => (string)trace!["type"]!));
        Assert.Equal([80, 70], bars["data"]![0]!["y"]!.AsArray().Select(value => (double)value!));
        Assert.Equal(
            ["ViT &lt;small&gt;", "Adventurer"],
            bars["layout"]!["xaxis"]!["ticktext"]!.AsArray().Select(text => (string)text!)
        );

        var three = Json(s_kinds["small multiples"].ToPlotlyNet());
        Assert.Equal(
            ["panel 1", "panel 2", "panel 3"],
            Texts(three).Where(text => text.StartsWith("<b>", StringComparison.Ordinal)).Select(text => text[3..^4])
        );
        Assert.Contains("a caption", Texts(three));
        Assert.StartsWith("<b>Three</b><br>", (string)three["layout"]!["title"]!["text"]!);
        Assert.Equal(
            3,
            three["layout"]!.AsObject().Count(property => property.Key.StartsWith("yaxis", StringComparison.Ordinal))
        );

        Assert.Contains("nothing to show yet", Texts(Json(s_kinds["nothing yet"].ToPlotlyNet())));
        Assert.Contains(
            Texts(Json(s_kinds["a value without a place"].ToPlotlyNet())),
            text => text.StartsWith("1 value has no place", StringComparison.Ordinal)
        );
    }

    [Fact]
    public void CellsOfAHeatMapHaveTheNumbersOfTheDrawing()
    {
        var figure = s_kinds["heat map"];
        var map = Json(figure.ToPlotlyNet())["data"]![0]!;
        Assert.Equal("%{text}", (string)map["texttemplate"]!);
        Assert.Equal(["1.25", "0.5", "", "2", "1,234", "−0.125"], Cells(map["text"]));
        Assert.Equal(
            [1.25, 0.5, null, 2, 1234.25, -0.125],
            map["z"]!.AsArray().SelectMany(row => row!.AsArray()).Select(value => (double?)value)
        );
        string svg = figure.ToSvg();
        foreach (string number in Cells(map["text"]).Where(text => text.Length > 0))
            Assert.Contains($">{number}</text>", svg);
        Assert.Equal("8, ViT &lt;small&gt;: 1.25", Cells(map["hovertext"])[0]);

        var panel = figure.Panels[0];
        var percent = panel with { Marks = [((HeatMap)panel.Marks[0]) with { Format = "0.0%" }] };
        Assert.Equal("125.0%", Cells(Json(percent.ToPlotlyNet())["data"]![0]!["text"])[0]);
        // Cells too small for numbers have none, and of very many none has words.
        Assert.Null(Json(s_kinds["large heat map"].ToPlotlyNet())["data"]![0]!["text"]);
        Assert.Null(Json(s_kinds["large heat map"].ToPlotlyNet())["data"]![0]!["hovertext"]);

        static string[] Cells(JsonNode? rows) =>
            [.. rows!.AsArray().SelectMany(row => row!.AsArray()).Select(cell => (string)cell!)];
    }

    [Fact]
    public void PlotlyNetsFunctionsChangeWhatTheyNameAndLeaveTheRest()
    {
        var before = Json(Samples.Comparison.ToPlotlyNet());
        var note = new Annotation();
        note.SetProperty("text", "mine");
        var chart = Samples
            .Comparison.ToPlotlyNet()
            .WithXAxisStyle<double, double, string>(TitleText: "pixels", ShowGrid: false)
            .WithLegendStyle(BorderWidth: 2)
            .WithTraceInfo(ShowLegend: false);
        var after = Json(Chart.withAnnotation(note, true).Invoke(Chart.withTitle("Another title", null).Invoke(chart)));
        var (old, title) = (before["layout"]!["title"]!, after["layout"]!["title"]!);
        Assert.Equal(
            ("Another title", (double)old["x"]!, (string)old["yanchor"]!),
            ((string)title["text"]!, (double)title["x"]!, (string)title["yanchor"]!)
        );
        var (axis, restyled) = (before["layout"]!["xaxis"]!, after["layout"]!["xaxis"]!);
        Assert.Equal(
            (false, "pixels", 6.0),
            ((bool)restyled["showgrid"]!, (string)restyled["title"]!["text"]!, (double)restyled["title"]!["standoff"]!)
        );
        foreach (string kept in new[] { "type", "tickvals", "ticktext", "range", "domain" })
            Assert.True(JsonNode.DeepEquals(axis[kept], restyled[kept]), kept);
        Assert.Equal(
            (2.0, 0.0),
            ((double)after["layout"]!["legend"]!["borderwidth"]!, (double)after["layout"]!["legend"]!["tracegroupgap"]!)
        );
        Assert.Equal(Texts(before).Append("mine").Order(), Texts(after).Order());
        Assert.All(after["data"]!.AsArray(), trace => Assert.False((bool)trace!["showlegend"]!));
        Assert.True(JsonNode.DeepEquals(before["data"]![3]!["marker"], after["data"]![3]!["marker"]));
    }

    [Fact]
    public void TwoFiguresCombine()
    {
        var both = Json(
            GenericChart.combine([
                s_kinds["bars"].ToPlotlyNet(),
                s_kinds["lines with a gap, a rule and notes"].ToPlotlyNet(),
            ])
        );
        Assert.Equal(["bar", "bar", "scatter"], both["data"]!.AsArray().Select(trace => (string)trace!["type"]!));
        Assert.Contains("chance", Texts(both));
    }

    /// <summary>
    /// A legend's entries stand in rows of 19 pixels that begin 17 above the first one's line, with 5 pixels above and
    /// below.
    /// </summary>
    [Fact]
    public void TheLegendEndsAboveThePanels()
    {
        foreach (int names in new[] { 1, 4, 9, 14 })
        {
            var panel = new Panel(new Axis("x"), new Axis("y")) { Title = "title" };
            for (int i = 0; i < names; i++)
                panel = panel.Line($"recorded at teach on {i} CPU cores", [1, 2], [i, i + 1]);
            var figure = new Figure("Many lines", panel, panel with { Marks = [] });
            var layout = JsonNode.Parse(figure.ToPlotlyJson())!["layout"]!;
            Assert.Equal((0.0, 0.0), ((double)layout["legend"]!["tracegroupgap"]!, (double)layout["legend"]!["x"]!));
            double height = (double)layout["height"]!,
                width = 720 - 2 * 10;
            // plotly puts the next entry into the row while it ends within the margins; 40 pixels for its sample, 5 to
            // the next one.
            int rows = 1;
            double x = 0;
            foreach (string name in panel.Marks.Select(mark => mark.Name))
            {
                double next = 40 + TextWidth.Of(name, 12) + 5;
                if (x > 0 && x + next > width)
                    (rows, x) = (rows + 1, 0);
                x += next;
            }
            double end = height * (1 - (double)layout["legend"]!["y"]!) + 19 * rows + 10;
            var title = layout["annotations"]!.AsArray().First(note => (string)note!["text"]! == "<b>title</b>")!;
            double top = height * (1 - (double)title["y"]!) - 12.5;
            Assert.True(end <= top + 1, $"{names} entries in {rows} rows end at {end}, the title begins at {top}");
        }
    }

    private static JsonNode Json(GenericChart chart) => JsonNode.Parse(GenericChart.toJson(chart))!;

    private static string[] Texts(JsonNode chart) =>
        [.. chart["layout"]!["annotations"]!.AsArray().Select(note => (string)note!["text"]!)];
}
