using CsNotebook.Engine;
using Xunit;

namespace CsNotebook.Tests;

/// <summary>What values look like.</summary>
public sealed class DisplayTests : SessionTest
{
    private const string Convention = """
        [AttributeUsage(AttributeTargets.Class | AttributeTargets.Interface)]
        class TypeFormatterSourceAttribute(Type source) : Attribute
        {
            public Type FormatterSourceType => source;
            public string[] PreferredMimeTypes { get; set; }
        }
        class Maker
        {
            public IEnumerable<object> CreateTypeFormatters()
            {
                yield return new As("text/html", "<b>html</b>");
                yield return new As("image/svg+xml", "<svg/>");
                yield return new As("application/vnd.plotly.v1+json", "{\"data\":[]}");
                yield return new As("text/x-refused", null);
            }
        }
        class As(string mimeType, string text)
        {
            public string MimeType => mimeType;
            public bool Format(object value, System.IO.TextWriter writer) { writer.Write(text); return text != null; }
        }
        [TypeFormatterSource(typeof(Maker),
            PreferredMimeTypes = new[] { "application/vnd.plotly.v1+json", "text/html", "text/x-refused" })]
        class Figure { public override string ToString() => "a figure"; }
        class Derived : Figure { }
        [TypeFormatterSource(typeof(Maker))] class Unordered { }
        [TypeFormatterSource(typeof(Maker))] interface IShown { }
        class ByInterface : IShown { }
        """;

    [Theory]
    [InlineData("new Figure()", "application/vnd.plotly.v1+json, text/html, text/plain")]
    [InlineData("new Derived()", "application/vnd.plotly.v1+json, text/html, text/plain")]
    [InlineData("new Unordered()", "text/html, text/plain")]
    [InlineData("new ByInterface()", "text/plain")]
    public async Task The_convention_formats_types_and_those_derived_from_them(string code, string mimeTypes)
    {
        await Run(Convention);
        var result = await Session.ExecuteAsync(code, Host, TestContext.Current.CancellationToken);
        Assert.Equal(mimeTypes, string.Join(", ", result.Value!.Select(p => p.Key)));
    }

    [Fact]
    public async Task A_display_can_be_replaced()
    {
        await Run("var d = display(\"one\"); d.Update(\"two\");");
        Assert.Equal([("one", false), ("two", true)], Host.Displays.Select(d => (d.Data["text/plain"]!, d.Update)));
        Assert.Equal(Host.Displays[0].Id, Host.Displays[1].Id);
        Assert.Null(await Run("d"));
    }

    [Fact]
    public async Task Display_calls_choose_the_representation()
    {
        await Run(Convention);
        await Run(
            "HTML(\"<i>x</i>\").Display(); \"# md\".DisplayAs(\"text/markdown\"); new "
                + "Figure().Display(\"image/svg+xml\"); display(1.5);"
        );
        Assert.Equal(
            ["text/html: <i>x</i>", "text/markdown: # md", "image/svg+xml: <svg/>", "text/plain: 1.5"],
            Host.Displays.Select(d => d.Data.First()).Select(p => $"{p.Key}: {p.Value}")
        );
        Assert.Equal("<i>x</i>", await Run("HTML(\"<i>x</i>\").ToDisplayString(\"text/html\")"));
    }

    [Fact]
    public async Task Formatters_can_be_registered()
    {
        await Run(
            """
            using Microsoft.DotNet.Interactive.Formatting;
            record Loss(double Value);
            Formatter.Register<Loss>(l => $"<b>{l.Value}</b>", "text/html");
            """
        );
        var result = await Session.ExecuteAsync("new Loss(0.5)", Host, TestContext.Current.CancellationToken);
        Assert.Equal("<b>0.5</b>", result.Value!["text/html"]);
        await Run("Formatter.ResetToDefault();");
    }

    [Fact]
    public async Task Records_in_a_sequence_are_a_table()
    {
        await Run(
            "record Row(string Name, double Loss); var rows = new List<Row> { new(\"a & b\", 0.25), new(\"c\", 1) };"
        );
        var result = await Session.ExecuteAsync("rows", Host, TestContext.Current.CancellationToken);
        Assert.Equal("Name   Loss\na & b  0.25\nc      1", result.Value!["text/plain"]);
        Assert.Equal(
            "<table><thead><tr><th>Name</th><th>Loss</th></tr></thead><tbody><tr><td>a &amp; "
                + "b</td><td>0.25</td></tr><tr><td>c</td><td>1</td></tr></tbody></table>",
            result.Value["text/html"]
        );
    }

    [Fact]
    public async Task Long_and_endless_sequences_are_cut()
    {
        string text = (await Run("IEnumerable<int> All() { for (int i = 0; ; i++) yield return i; } All()"))!;
        Assert.EndsWith("49, (more) ]", text, StringComparison.Ordinal);
        Assert.EndsWith("49, (950 more) ]", await Run("Enumerable.Range(0, 1000).ToArray()"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dictionaries_matrices_exceptions_and_json()
    {
        Assert.Equal("{ \"a\": 1 }", await Run("new Dictionary<string, int> { [\"a\"] = 1 }"));
        Assert.Contains("ArgumentException: no", await Run("new ArgumentException(\"no\")"));
        var matrix = await Session.ExecuteAsync(
            "new[,] { { 1, 2 }, { 3, 4 } }",
            Host,
            TestContext.Current.CancellationToken
        );
        Assert.Equal(
            "<table><tbody><tr><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr></tbody></table>",
            matrix.Value!["text/html"]
        );
        var json = await Session.ExecuteAsync(
            "System.Text.Json.Nodes.JsonNode.Parse(\"{\\\"a\\\":1}\")",
            Host,
            TestContext.Current.CancellationToken
        );
        Assert.Equal("{\"application/json\":{\"a\":1},\"text/plain\":", json.Value!.ToJson().ToJsonString()[..41]);
    }

    [Fact]
    public async Task Output_can_be_cleared()
    {
        await Run("Console.WriteLine(1); ClearOutput(); Console.WriteLine(2);");
        Assert.Equal("2\n", Host.Stdout);
    }
}
