using CsNotebook.Engine;
using Xunit;

namespace CsNotebook.Tests;

/// <summary>An error names the line of the cell.</summary>
[Trait("speed", "seconds")]
public sealed class ErrorTests : SessionTest
{
    [Fact]
    public async Task A_compilation_error_names_line_and_column_as_written()
    {
        var error = await Fail("var a = 1;\nforeach (var x in new[] { 1 })\n    nothing(x);");
        Assert.Equal("CompilationError", error.Name);
        Assert.Equal(3, error.Line);
        Assert.Equal("CS0103: The name 'nothing' does not exist in the current context", error.Message);
        Assert.Equal(
            [
                "In [1], line 3, column 5: CS0103: The name 'nothing' does not exist in the current context",
                "    nothing(x);",
            ],
            error.Traceback
        );
    }

    // https://github.com/dotnet/interactive/issues/465 and 1842, https://github.com/jupyter/notebook/issues/5726.
    [Theory]
    [InlineData("%matplotlib inline\n1", "%matplotlib is a magic of IPython, and this is C#: leave the line out")]
    [InlineData("var x = 1;\n%%time\nx", "%%time is a magic of IPython, and this is C#: write #!time.")]
    [InlineData("%%bash\necho hi", "%%bash is a magic of IPython, and this is C#: use a terminal")]
    [InlineData("!ls", "A line that begins with ! is a shell command in IPython")]
    [InlineData("!pip install numpy", "A line that begins with ! is a shell command in IPython")]
    [InlineData("Console?", "Console? asks for help in IPython")]
    [InlineData("?Console", "?Console asks for help in IPython")]
    [InlineData("import numpy as np", "This looks like Python, and this kernel speaks C#: import numpy as np")]
    [InlineData("from math import sqrt", "This looks like Python")]
    [InlineData("def f(x):\n    return x", "This looks like Python")]
    [InlineData("print(1)", "This looks like Python")]
    [InlineData("namespace A { class B { } }", "A cell cannot declare a namespace")]
    [InlineData("bool yes = true;\nbool no = !yes && !absent;", "CS0103: The name 'absent'")]
    [InlineData("int a = 1;\nint b = a\n  % absent;", "CS0103: The name 'absent'")]
    public async Task What_other_notebooks_say_is_explained(string code, string sentence) =>
        Assert.StartsWith(sentence, (await Fail(code)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("Environment.Exit(3)", "Environment.Exit(3) would end the kernel")]
    [InlineData("using static System.Environment;\nExit(0);", "Environment.Exit(0) would end the kernel")]
    [InlineData("Environment.FailFast(\"gone\")", "Environment.FailFast would end the kernel")]
    [InlineData("void Leave() => System.Environment.Exit(1);\nLeave();", "Environment.Exit(1) would end the kernel")]
    [InlineData(
        "Action leave = () => System.Environment.Exit(1);\nleave();",
        "Environment.Exit(1) would end the kernel"
    )]
    public async Task The_process_is_not_the_cells_to_end(string code, string sentence)
    {
        var error = await Fail(code);
        Assert.StartsWith(sentence, error.Message, StringComparison.Ordinal);
        Assert.NotNull(error.Line);
        Assert.Equal("5", await Run("class Door { public static int Exit(int n) => n; } Door.Exit(5)"));
    }

    [Fact]
    public async Task What_does_not_compile_leaves_no_trace()
    {
        await Run("var a = 1;");
        await Fail("var a = \"no\"; var b = nothing;");
        Assert.Equal("1", await Run("a"));
    }

    [Fact]
    public async Task A_thrown_exception_names_the_line_and_the_calls()
    {
        await Run("int Parse(string s)\n{\n    return int.Parse(s);\n}");
        var error = await Fail("var a = 1;\n\nvar b = Parse(\"zz\");");
        Assert.Equal(("FormatException", 3), (error.Name, error.Line));
        Assert.Contains("-->   3 | var b = Parse(\"zz\");", error.Traceback);
        Assert.Contains("   at Parse(String), In [1], line 3", error.Traceback);
    }

    [Fact]
    public async Task Lines_survive_the_stop_checks_directives_and_awaits()
    {
        var error = await Fail(
            """
            #r "System.Xml"
            #!time
            int n = 0;
            for (int i = 0; i < 3; i++)
                // a comment
                while (n < 2)
                    n++;
            #if !DEBUG
            async Task Late() { await Task.Delay(1);
                throw new NotSupportedException("late"); }
            #endif
            await Late();
            """
        );
        Assert.Equal(("NotSupportedException", 10), (error.Name, error.Line));
        Assert.Contains("   at Late(), In [1], line 10", error.Traceback);
        Assert.Contains("   at In [1], line 12", error.Traceback);
    }

    [Fact]
    public async Task What_ran_before_an_exception_stays()
    {
        await Fail("var kept = 1; throw new Exception(\"after\"); var never = 2;");
        Assert.Equal("1", await Run("kept"));
    }

    [Fact]
    public async Task A_cause_is_told_too()
    {
        var error = await Fail("throw new InvalidOperationException(\"outer\", new ArgumentException(\"inner\"));");
        Assert.Equal(
            ["System.InvalidOperationException: outer", "  caused by System.ArgumentException: inner"],
            error.Traceback.Take(2)
        );
    }

    [Fact]
    public async Task Unknown_directives_are_refused_with_a_sentence()
    {
        var error = await Fail("var a = 1;\n#!fsharp\nlet b = 2");
        Assert.Equal(("DirectiveError", 2), (error.Name, error.Line));
        Assert.StartsWith("#!fsharp is not known here; the directives are ", error.Message, StringComparison.Ordinal);
    }
}
