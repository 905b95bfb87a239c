using System.Globalization;
using System.Xml.Linq;
using PatchKit.Display.Figures;
using PatchKit.Display.Formatting;
using Xunit;

namespace PatchKit.Tests.Display.Figures;

/// <summary>The drawing: well formed, points where the ticks say, nothing lost without a word.</summary>
public sealed class FigureSvgTests
{
    private static readonly XNamespace s_svg = "http://www.w3.org/2000/svg";

    [Fact]
    public void TheDrawingIsAsBefore() => Samples.IsAsBefore("comparison.svg", Samples.Comparison.ToSvg());

    [Fact]
    public void TheDrawingIsTheSameInAnyCulture() =>
        Assert.Equal(Samples.Comparison.ToSvg(), Samples.Elsewhere(Samples.Comparison.ToSvg));

    [Fact]
    public void ItNeedsNothingElseAndSaysWhatItShows()
    {
        var svg = Parse(Samples.Comparison);
        Assert.Equal(Samples.Comparison.Title, svg.Element(s_svg + "title")!.Value);
        string words = svg.Element(s_svg + "desc")!.Value;
        Assert.Contains("test loss (nats), log above 0.8 against patch size (pixels)", words);
        Assert.Contains("this run: 4 points from 1.15 to 0.823", words);
        Assert.DoesNotContain(
            svg.Descendants(),
            element => element.Name.LocalName is "script" or "style" or "foreignObject"
        );
        Assert.DoesNotContain(svg.Descendants().Attributes(), attribute => attribute.Name.LocalName is "id" or "class");
    }

    [Fact]
    public void PointsLieWhereTheTicksSay()
    {
        var svg = Parse(
            new Panel(new Axis("x") { Min = 0, Max = 10 }, new Axis("y") { Min = 0, Max = 100 })
                .Scatter("this run", [2, 4, 8], [20, 60, 80])
                .ToFigure("points")
        );
        foreach (var (x, y) in new[] { (2, 20), (4, 60), (8, 80) })
        {
            var point = Points(svg, "this run")
                .Single(circle =>
                    circle.Element(s_svg + "title")!.Value.EndsWith($"{x}, {y}", StringComparison.Ordinal)
                );
            Assert.Equal(Number(Label(svg, $"{x}", "middle"), "x"), Number(point, "cx"), 0.02);
            Assert.Equal(Number(Label(svg, $"{y}", "end"), "y") - 4, Number(point, "cy"), 0.02);
        }
    }

    [Fact]
    public void OnALogarithmicAxisWithAFloorPlacesGoByTheLogOfWhatIsAboveIt()
    {
        var svg = Parse(Samples.Comparison);
        double Height(double value) => Math.Log(value - Samples.Floor);
        double one = Number(Label(svg, "1.00", "end"), "y") - 4,
            low = Number(Label(svg, "0.85", "end"), "y") - 4;
        foreach (var circle in Points(svg, "this run"))
        {
            double loss = double.Parse(
                circle.Element(s_svg + "title")!.Value.Split(", ")[1].Split(' ')[0],
                CultureInfo.InvariantCulture
            );
            double expected = one + (low - one) * (Height(loss) - Height(1)) / (Height(0.85) - Height(1));
            Assert.Equal(expected, Number(circle, "cy"), 0.1);
        }
        Assert.Equal(4, Points(svg, "this run").Count());
    }

    [Fact]
    public void ThePapersPointsAndThisRunsDifferInShapeAndFillAndShareTheirColour()
    {
        var svg = Parse(Samples.Comparison);
        var (paper, run) = (
            svg.Descendants(s_svg + "rect").First(rect => Title(rect).StartsWith("paper", StringComparison.Ordinal)),
            Points(svg, "this run").First()
        );
        Assert.Equal(("none", Palette.Blue), (paper.Attribute("fill")!.Value, paper.Attribute("stroke")!.Value));
        Assert.Equal((Palette.Blue, null), (run.Attribute("fill")!.Value, run.Attribute("stroke")?.Value));
    }

    [Fact]
    public void TheLegendNamesEachSeriesOnceAcrossPanels()
    {
        var panel = new Panel(new Axis("x"), new Axis("y"))
            .Line("loss", [1, 2], [3, 4])
            .Line("paper", [1, 2], [4, 3], Origin.Paper);
        var svg = Parse(new Figure("two", panel with { Title = "left" }, panel with { Title = "right" }));
        foreach (string text in new[] { "loss", "paper", "left", "right" })
            Assert.Single(svg.Descendants(s_svg + "text"), element => element.Value == text);
    }

    [Theory, InlineData(0), InlineData(1), InlineData(2), InlineData(3), InlineData(4), InlineData(5)]
    public void WhatCannotBeDrawnIsSaidAndNeverACrash(int which)
    {
        var axes = new Panel(new Axis("x"), new Axis("y"));
        var (panel, sentence) = which switch
        {
            0 => (axes, "nothing to show yet"),
            1 => (axes.Scatter("this run", [], []), "this run (no values yet)"),
            2 => (axes.Line("this run", [1, 2], [double.NaN, double.NaN]), "nothing to show yet"),
            3 => (
                new Panel(new Axis("x"), Axis.Log("y", floor: 1)).Scatter("this run", [1, 2, 3], [2, 0.5, 1]),
                "2 values have no place on a logarithmic axis."
            ),
            4 => (
                new Panel(new Axis("x"), new Axis("y") { Max = 2 }).Scatter("this run", [1, 2], [1, 5]),
                "1 value lies outside the axes."
            ),
            _ => (
                axes.Scatter("this run", [1], [double.PositiveInfinity]).HeatMap(new double[0, 0], "nothing"),
                "nothing to show yet"
            ),
        };
        Figure figure = panel;
        var svg = Parse(figure);
        Assert.Contains(svg.Descendants(s_svg + "text"), text => text.Value == sentence);
        Assert.All(
            [figure.ToSvg(), figure.ToPlotlyJson(), figure.ToString()],
            text => Assert.DoesNotContain("NaN", text)
        );
    }

    [Fact]
    public void AFigureWithoutPanelsIsATitle() => Assert.Contains("Nothing", Parse(new Figure("Nothing")).Value);

    [Fact]
    public void ASinglePointStandsInTheMiddleAndAPointBetweenGapsIsSeen()
    {
        var svg = Parse(new Panel(new Axis("x"), new Axis("y")).Scatter("this run", [3], [7]).ToFigure(""));
        var point = Points(svg, "this run").Single();
        Assert.InRange(Number(point, "cx"), 350, 410);
        svg = Parse(
            new Panel(new Axis("x"), new Axis("y"))
                .Line("this run", [1, 2, 3, 4, 5], [1, double.NaN, 2, double.NaN, 3])
                .ToFigure("")
        );
        Assert.Equal(3, svg.Descendants(s_svg + "circle").Count(circle => circle.Attribute("r")!.Value == "2.5"));
    }

    [Fact]
    public void ALongLineKeepsItsExtremesAndItsGapsInFewPoints()
    {
        double[] x = [.. Enumerable.Range(0, 50_000).Select(i => (double)i)],
            y =

            [
                .. x.Select(i =>
                    i == 31_234 ? 9
                    : i is > 40_000 and < 41_000 ? double.NaN
                    : Math.Sin(i / 9000)
                ),
            ];
        var figure = new Panel(new Axis("step"), new Axis("loss")).Line("this run", x, y).ToFigure("long");
        string line = Parse(figure)
            .Descendants(s_svg + "path")
            .Where(path => path.Attribute("stroke")?.Value == Palette.Blue)
            .Select(path => path.Attribute("d")!.Value)
            .MaxBy(d => d.Length)!;
        Assert.Equal(2, line.Count(c => c == 'M'));
        double[] heights =
        [
            .. line.Split('M', 'L')
                .Where(part => part.Length > 0)
                .Select(part => double.Parse(part.Split(' ')[1], CultureInfo.InvariantCulture)),
        ];
        Assert.True(heights.Length < 6000);
        Assert.True(heights.Min() < heights.Order().Skip(1).First() - 100);
    }

    [Fact]
    public void ALargeMapIsAPictureAndASmallOneHasItsNumbers()
    {
        var panel = new Panel(new Axis("column"), new Axis("row"));
        Assert.Single(Parse(panel.HeatMap(new double[64, 64], "weight")).Descendants(s_svg + "image"));
        var small = Parse(
            panel.HeatMap(
                new double[,]
                {
                    { 1, 2.5 },
                    { double.NaN, 4 },
                },
                "weight"
            )
        );
        Assert.Contains(small.Descendants(s_svg + "text"), text => text.Value == "2.5");
        Assert.Contains(small.Descendants(s_svg + "title"), title => title.Value == "0, 1: –");
    }

    [Fact]
    public void BarsBeginAtZeroAndStandByTheirCategory()
    {
        var svg = Parse(
            new Panel(Axis.Named("model", "small", "large"), new Axis("top-1"))
                .Bars("paper", [0.5, 0.8], Origin.Paper)
                .Bars("this run", [0.4, -0.1])
                .ToFigure("bars")
        );
        double zero = Number(Label(svg, "0.0", "end"), "y") - 4;
        var bar = svg.Descendants(s_svg + "rect").Single(rect => Title(rect) == "this run: small, 0.4");
        Assert.Equal(zero, Number(bar, "y") + Number(bar, "height"), 0.02);
        var below = svg.Descendants(s_svg + "rect").Single(rect => Title(rect) == "this run: large, −0.1");
        Assert.Equal(zero, Number(below, "y"), 0.02);
        Assert.InRange(Number(Label(svg, "small", "middle"), "x"), Number(bar, "x") - 8, Number(bar, "x"));
    }

    [Fact]
    public void ErrorsAreSentences()
    {
        var panel = new Panel(new Axis("x"), new Axis("y"));
        Assert.Equal(
            "there are 2 x values and 1 y values; give one for each.",
            Assert.Throws<ArgumentException>(() => panel.Line("a", [1, 2], [1])).Message
        );
        Assert.Contains(
            "make it by Axis.Named",
            Assert.Throws<ArgumentException>(() => panel.Bars("a", [1, 2])).Message
        );
        Assert.Contains(
            "let Min be less than Max",
            Assert.Throws<ArgumentException>(() => Draw(new Axis("y") { Min = 5, Max = 2 })).Message
        );
        Assert.Contains(
            "must lie above 0",
            Assert.Throws<ArgumentException>(() => Draw(Axis.Log("y") with { Min = -1 })).Message
        );

        static string Draw(Axis y) => new Panel(new Axis("x"), y).Line("a", [1], [1]).ToFigure("").ToSvg();
    }

    private static XElement Parse(Figure figure) => XDocument.Parse(figure.ToSvg()).Root!;

    private static string Title(XElement element) => element.Element(s_svg + "title")?.Value ?? "";

    private static IEnumerable<XElement> Points(XElement svg, string name) =>
        svg.Descendants(s_svg + "circle").Where(circle => Title(circle).StartsWith(name, StringComparison.Ordinal));

    private static XElement Label(XElement svg, string text, string anchor) =>
        svg.Descendants(s_svg + "text")
            .Single(element => element.Value == text && element.Attribute("text-anchor")?.Value == anchor);

    private static double Number(XElement element, string attribute) =>
        double.Parse(element.Attribute(attribute)!.Value, CultureInfo.InvariantCulture);
}
