using CsNotebook.Engine;
using Xunit;

namespace CsNotebook.Tests;

/// <summary>An error names the line of the cell.</summary>
public sealed class ErrorTests : SessionTest
{
    [Fact]
    public async Task A_compilation_error_names_line_and_column_as_written()
    {
        var error = await Fail("var a = 1;\nforeach (var x in new[] { 1 })\n    nothing(x);");
        Assert.Equal("CompilationError", error.Name);
        Assert.Equal(3, error.Line);
        Assert.Equal("CS0103: The name 'nothing' does not exist in the current context", error.Message);
        Assert.Equal(["In [1], line 3, column 5: CS0103: The name 'nothing' does not exist in the current context", "    nothing(x);"], error.Traceback);
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
        var error = await Fail("""
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
            """);
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
        Assert.Equal(["System.InvalidOperationException: outer", "  caused by System.ArgumentException: inner"], error.Traceback.Take(2));
    }

    [Fact]
    public async Task Unknown_directives_are_refused_with_a_sentence()
    {
        var error = await Fail("var a = 1;\n#!fsharp\nlet b = 2");
        Assert.Equal(("DirectiveError", 2), (error.Name, error.Line));
        Assert.StartsWith("#!fsharp is not known here; the directives are ", error.Message, StringComparison.Ordinal);
    }
}
