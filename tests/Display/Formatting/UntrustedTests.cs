using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using PatchKit.Display;
using PatchKit.Display.Figures;
using PatchKit.Display.Formatting;
using PatchKit.Display.Pictures;
using PatchKit.Display.Progress;
using PatchKit.Experiments.Recording;
using PatchKit.Experiments.Tables;
using PatchKit.Experiments.Verdicts;
using Xunit;

namespace PatchKit.Tests.Display.Formatting;

/// <summary>
/// What is left of outputs where a notebook is opened that is not trusted. The sanitizers of the classic notebook and
/// of JupyterLab take scripts, drawings (svg and what is in it, but for its words), inputs and data-* attributes out,
/// and leave images whose source is a data URI.
/// </summary>
public sealed partial class UntrustedTests
{
    private static readonly string[] s_kept =
    [
        "div",
        "span",
        "p",
        "br",
        "img",
        "figure",
        "figcaption",
        "strong",
        "em",
        "small",
        "code",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "ul",
        "li",
        "details",
        "summary",
    ];

    public static TheoryData<string> Shown => [.. Values().Keys];

    [Theory, MemberData(nameof(Shown))]
    public void NothingIsLostButWhatRuns(string name)
    {
        string html = Values()[name].Render(Mime.Html);
        var root = XElement.Parse(
            $"<div>{Images().Replace(Scripts().Replace(html, ""), "$1/>")}</div>".Replace("<br>", "<br/>")
        );
        Assert.All(root.Descendants(), element => Assert.Contains(element.Name.LocalName, s_kept));
        Assert.All(
            root.Descendants("img"),
            image =>
            {
                Assert.Matches("^data:image/(svg\\+xml|png);base64,", image.Attribute("src")!.Value);
                Assert.NotEmpty(image.Attribute("alt")!.Value);
            }
        );
    }

    [Fact]
    public void CaptionsStandOnce()
    {
        var picture = Picture.Of(2, 2, new byte[12]) with
        {
            Caption = "the caption",
            Boxes = [new Box(0, 0, 1, 1, "label")],
        };
        foreach (
            string html in new[]
            {
                picture.ToHtml(),
                new ImageGrid(picture).ToHtml(),
                (Samples.Comparison with { Caption = "the caption" }).ToHtml(),
            }
        )
            Assert.InRange(Regex.Count(Attributes().Replace(html, ""), "the caption"), 0, 1);
        Assert.Equal(1, Regex.Count(Attributes().Replace(picture.ToHtml(), ""), "the caption"));
    }

    [Fact]
    public void ASliderShowsItsFirstStopAndSaysWhyNotTheOthers()
    {
        var dot = Picture.Of(1, 1, [1, 2, 3]);
        string html = new Slider("patch size", ("16", dot), ("8", dot), ("4", dot)).ToHtml();
        var root = XElement.Parse($"<div>{Images().Replace(Scripts().Replace(html, ""), "$1/>")}</div>");
        var folded = Assert.Single(root.Descendants("details"));
        Assert.Contains("needs a script", folded.Element("summary")!.Value);
        Assert.Equal(2, folded.Descendants("img").Count());
        Assert.Equal(3, root.Descendants("img").Count());
    }

    /// <summary>The drawing that a data URI holds.</summary>
    internal static XElement Drawing(string source) =>
        XElement.Parse(
            Encoding.UTF8.GetString(Convert.FromBase64String(source["data:image/svg+xml;base64,".Length..]))
        );

    private static Dictionary<string, IRendered> Values()
    {
        var picture = Picture.Of(2, 1, [1, 2, 3, 4, 5, 6]) with
        {
            Zoom = 8,
            Caption = "a < b",
            Boxes = [new Box(0, 0, 1, 1, "cat & dog")],
            Legend = [new LegendEntry("sky", "#0072B2")],
        };
        var map = new Panel(Axis.Named("patch", "16", "8"), Axis.Named("", "a", "b")).HeatMap(
            new double[,]
            {
                { 1, 2 },
                { 3, double.NaN },
            },
            "loss"
        );
        return new()
        {
            ["figure"] = Samples.Comparison,
            ["bars, paper's without a colour"] = new Panel(Axis.Named("model", "a"), new Axis("y"))
                .With(new Bars("law", [1]) { Origin = Origin.Law })
                .With(new Bars("paper", [2]) { Origin = Origin.Paper })
                .ToFigure("bars"),
            ["map"] = map.ToFigure("map"),
            ["large map"] = new Panel(new Axis("x"), new Axis("y")).HeatMap(new double[50, 50], "loss").ToFigure("map"),
            ["picture"] = picture,
            ["patches"] = (picture with { Boxes = [] }).Patches(1),
            ["grid"] = new ImageGrid(picture, picture) { Title = "two" },
            ["slider"] = new Slider("patch size", ("1", picture), ("2", picture)),
            ["table"] = Samples.Losses1 with { Caption = "`code` in it" },
            ["progress"] = new ProgressView("run", 1, 2) { Loss = 1, Losses = [3, 2, 1] },
            ["exercise"] = new Exercise("Exercise 1", false, "Count `them`."),
            ["conclusion"] = new Conclusion([new("it falls", Outcome.Shown, "p=2 -0.1 `x`")], ["keep in mind"]),
            ["recorded"] = RecordedResults.Of(new Table1()),
        };
    }

    [GeneratedRegex("<script>.*?</script>", RegexOptions.Singleline)]
    private static partial Regex Scripts();

    [GeneratedRegex("(<img[^>]*)>")]
    private static partial Regex Images();

    [GeneratedRegex("[a-z-]+='[^']*'")]
    private static partial Regex Attributes();
}
