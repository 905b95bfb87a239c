using System.Xml.Linq;
using PatchKit.Display.Tables;
using Xunit;

namespace PatchKit.Tests.Display.Tables;

/// <summary>Tables: the paper's numbers and ours, their differences, the best of each.</summary>
public sealed class TableTests
{
    [Fact]
    public void MarkdownHasDifferencesSignedAndTheBestInBold() =>
        Assert.Equal(
            """
            **Table 1**

            | patch size | test loss, paper (nats) | test loss, this run (nats) | difference (nats) |
            | --- | ---: | ---: | ---: |
            | 16 | 1.114 | 1.144 | +0.030 |
            | 8 | 0.923 | 0.935 | +0.012 |
            | 2\|1 | 0.840 | – | – |
            | 1 | **0.816** | **0.816** | 0.000 |
            """,
            Samples.Losses1.ToMarkdown()
        );

    [Fact]
    public void TextIsAlignedAndStarsTheBest()
    {
        string[] lines = Samples.Losses1.ToString().Split('\n');
        Assert.Equal("Table 1", lines[0]);
        Assert.Equal("1                            0.816*                      0.816*              0.000", lines[^1]);
        Assert.All(lines[1..], line => Assert.True(line.Length <= lines[2].Length));
    }

    [Fact]
    public void HtmlIsWellFormedAndEscaped()
    {
        var table = Table.Of(
            "a < b & c",
            ["row", "value"],
            [
                ["<script>", 1234567],
                ["half", 0.5f],
                ["none", null],
                ["not", double.NaN],
                ["yes", true],
            ]
        );
        var html = XElement.Parse(table.ToHtml());
        Assert.Equal(
            ["<script>", "1,234,567", "half", "0.5", "none", "–", "not", "–", "yes", "yes"],
            html.Descendants("td").Select(cell => cell.Value)
        );
        Assert.Equal(
            ["left", "right"],
            html.Descendants("th").Select(cell => cell.Attribute("style")!.Value.Split(':', ';')[1])
        );
    }

    [Fact]
    public void NumbersAreTheSameInAnyCulture() =>
        Assert.Equal(Samples.Losses1.ToHtml(), Samples.Elsewhere(Samples.Losses1.ToHtml));

    [Fact]
    public void EqualsAsWrittenAreAllTheBestAndALoneNumberIsNot()
    {
        var column = new Column("top-1") { Format = "0.0%", Best = Best.Highest };
        Assert.Equal(2, new Table(
                "",
                [column],
                [
                    [0.8141],
                    [0.8139],
                    [0.70],
                ]
            ).ToMarkdown().Split("**81.4%**").Length - 1);
        Assert.DoesNotContain(
            "**",
            new Table(
                "",
                [column],
                [
                    [0.8141],
                    [null],
                ]
            ).ToMarkdown()
        );
    }

    [Fact]
    public void ARaggedTableIsRefused() =>
        Assert.Equal(
            "the table has 2 columns, but a row has 1 cells; give as many.",
            Assert
                .Throws<ArgumentException>(() =>
                    Table.Of(
                        "",
                        ["a", "b"],
                        [
                            ["only"],
                        ]
                    )
                )
                .Message
        );
}
