using CsNotebook.Engine;
using Xunit;

namespace CsNotebook.Tests;

/// <summary>Completion and inspection know the live session.</summary>
public sealed class HelpTests : SessionTest
{
    [Fact]
    public async Task Members_of_a_live_variable_are_offered()
    {
        await Run("record Model(string Name, int PatchSize); var models = new[] { new Model(\"a\", 1) }.ToList();");
        Assert.Contains("PatchSize", Texts("models[0].Pat|"));
        Assert.Contains("Where", Texts("models.Wh|"));
        Assert.Contains("models", Texts("mod|"));
        Assert.Contains("Model", Texts("new Mod|"));
        Assert.Contains("display", Texts("disp|"));
        Assert.Contains("foreach", Texts("fore|"));
        Assert.Contains("inner", Texts("models.Select(inner => inn|"));
    }

    [Fact]
    public async Task The_newest_declaration_counts()
    {
        await Run("var v = 1; int F(int n) => n;");
        await Run("var v = \"text\"; int F(string s) => 0;");
        Assert.Contains("Substring", Texts("v.Sub|"));
        Assert.Contains("Date", Texts("var v = DateTime.Now;\nv.Dat|"));
    }

    [Fact]
    public async Task Values_without_a_type_name_are_known_too()
    {
        await Run(
            "var rows = Enumerable.Range(0, 3).Select(i => new { Scale = i, Loss = 1.0 / i }).ToList(); var "
                + "(first, second) = (1, \"two\");"
        );
        Assert.Contains("Scale", Texts("rows[0].Sc|"));
        Assert.Contains("Length", Texts("second.Len|"));
    }

    [Fact]
    public async Task Usings_of_earlier_cells_hold()
    {
        await Run("using System.Globalization;");
        Assert.Contains("CultureInfo", Texts("CultureI|"));
    }

    [Fact]
    public void Directives_are_offered()
    {
        Assert.Equal(["#!who", "#!whos"], Texts("#!w|"));
        Assert.Equal(0, Session.Complete("#!w", 3).Start);
    }

    [Fact]
    public async Task Inspection_shows_every_overload_and_the_summary()
    {
        var math = Session.Inspect("Math.Max(1, 2)", 6)!;
        string text = math.Data["text/plain"]!;
        Assert.Contains("int Math.Max(int val1, int val2)", text);
        Assert.Contains("double Math.Max(double val1, double val2)", text);
        Assert.Equal((5, 8), (math.Start, math.End));
        string packs = Path.Combine(
            System.Runtime.InteropServices.RuntimeEnvironment.GetRuntimeDirectory(),
            "../../../packs/Microsoft.NETCore.App.Ref"
        );
        if (Directory.Exists(packs))
            Assert.Contains("Returns the larger of two", text);
        Assert.Equal(text.Split("\n\n")[0], Session.Inspect("Math.Max(", 9)!.Data["text/plain"]!.Split("\n\n")[0]);

        await Run(
            "/// <summary>Doubles a <paramref name=\"number\"/>.</summary>\n/// <param "
                + "name=\"number\">Any.</param>\nint Twice(int number) => 2 * number; var count = 3;"
        );
        text = Session.Inspect("Twice(count)", 2)!.Data["text/plain"]!;
        Assert.Contains("int Twice(int number)", text);
        Assert.Contains("Doubles a number.", text);
        Assert.Contains("number: Any.", text);
        Assert.Contains("int count", Session.Inspect("Twice(count)", 8)!.Data["text/plain"]);
        Assert.Null(Session.Inspect("   ", 1));
    }

    private List<string> Texts(string code)
    {
        int cursor = code.IndexOf('|', StringComparison.Ordinal);
        return [.. Session.Complete(code.Remove(cursor, 1), cursor).Items.Select(i => i.Text)];
    }
}
