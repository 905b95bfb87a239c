using CsNotebook.Engine;
using Xunit;

namespace CsNotebook.Tests;

/// <summary>
/// <c>using var</c> at the top of a cell, which Roslyn's scripts refuse:
/// https://github.com/dotnet/interactive/issues/2620 and 3691. The scope of what it declares is the session.
/// </summary>
[Trait("speed", "seconds")]
public sealed class UsingTests : SessionTest
{
    private const string Door =
        "class Door(string name) : IDisposable { public string Name => name; public void Dispose() => "
        + "Console.Write($\"{name} shut. \"); }";

    [Fact]
    public async Task What_is_declared_by_using_serves_later_cells_until_its_name_is_declared_anew()
    {
        await Run(Door);
        await Run("using var door = new Door(\"first\"); using Door other = new(\"other\"), third = new(\"third\");");
        Assert.Equal("first", await Run("door.Name"));
        Assert.Equal("", Host.Stdout);
        await Run("using var door = new Door(\"second\");");
        Assert.Equal("first shut. ", Host.Stdout);
        await Run("var other = 1;");
        Assert.Equal("first shut. other shut. ", Host.Stdout);
        await Fail("using var third = absent;");
        Assert.Equal("third", await Run("third.Name"));
    }

    [Fact]
    public async Task The_rest_is_disposed_when_the_session_ends_the_newest_first()
    {
        string file = Path.Combine(Folder, "ends");
        using (var session = new CSharpSession())
        {
            const string Writes =
                "class Writes(string s) : IDisposable { public void Dispose() => "
                + "System.IO.File.AppendAllText(@\"{0}\", s); }";
            foreach (
                string cell in new[]
                {
                    Writes.Replace("{0}", file, StringComparison.Ordinal),
                    "using var a = new Writes(\"a\");",
                    "using var b = new Writes(\"b\"); Writes none = null;",
                }
            )
                Assert.Null((await session.ExecuteAsync(cell, Host, TestContext.Current.CancellationToken)).Error);
        }
        Assert.Equal("ba", File.ReadAllText(file));
    }

    [Theory]
    [InlineData("using var s = new System.IO.StringReader(\"text\");\ns.ReadToEnd()", "text")]
    [InlineData("using System.IO;\nusing var s = new StringReader(\"text\"); s.ReadToEnd()", "text")]
    [InlineData("int n = 2;\nusing System.IO.StringReader s =\n    new(\"text\");\ns.ReadToEnd() + n", "text2")]
    [InlineData("await using var s = new System.IO.MemoryStream(new byte[3]);\ns.Length", "3")]
    [InlineData(
        "using List = System.Collections.Generic.List<int>;\nusing static System.Math;\nnew List { Abs(-1) }.Count",
        "1"
    )]
    [InlineData("using (var s = new System.IO.StringReader(\"text\")) Console.Write(s.ReadToEnd());\n5", "5")]
    [InlineData(
        "string F() { using var s = new System.IO.StringReader(\"text\"); return s.ReadToEnd(); }\nF()",
        "text"
    )]
    [InlineData("\"using var x = 1;\" // using var y = 2;", "using var x = 1;")]
    public async Task Every_using_is_understood(string code, string value)
    {
        Assert.Equal(CompletenessStatus.Complete, Session.IsComplete(code).Status);
        Assert.Equal(value, await Run(code));
    }

    [Fact]
    public async Task Lines_and_columns_stay_the_authors()
    {
        var error = await Fail("using var a = new System.IO.MemoryStream();\n  using var s = absent;");
        Assert.Equal(
            [
                "In [1], line 2, column 17: CS0103: The name 'absent' does not exist in the current context",
                "    using var s = absent;",
            ],
            error.Traceback
        );
        Assert.Equal(
            "CS1674: int is not disposable, so five cannot be declared by using.",
            (await Fail("using var five = 5;")).Message
        );
        await Run("using var stream = new System.IO.MemoryStream();");
        Assert.Contains("CanSeek", Session.Complete("stream.CanS", 11).Items.Select(i => i.Text));
        Assert.Contains(
            "Position",
            Session.Complete("using var next = stream;\nnext.Pos", 33).Items.Select(i => i.Text)
        );
    }

    [Fact]
    public async Task A_disposal_that_fails_is_told_and_no_error_of_the_cell()
    {
        await Run(
            "class Bad : IDisposable { public void Dispose() => throw new Exception(\"stuck\"); }\nusing "
                + "var bad = new Bad();"
        );
        await Run("using var bad = new Bad();");
        Assert.Contains((StreamName.Stderr, "Disposing bad failed: Exception: stuck\n"), Host.Streams);
    }
}
