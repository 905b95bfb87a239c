using System.IO.Compression;
using CsNotebook.Engine;
using CsNotebook.Notebook;
using Xunit;

namespace CsNotebook.Tests;

/// <summary>
/// The packages of charts and tables, which the kernel shows without referencing them. Skipped where none can be
/// restored.
/// </summary>
[Trait("speed", "seconds")]
public sealed class PackageTests : SessionTest
{
    private const string Lines = """
        using Plotly.NET;
        GenericChart Line(string name) => Plotly.NET.CSharp.Chart.Line<int, double, string>(
            new[] { 1, 2, 4 }, new[] { 0.5, double.NaN, 0.125 }, Name: name);
        """;

    /// <summary>The page gets the script, and what takes its place at once is what a file keeps.</summary>
    [Fact]
    public async Task A_chart_shows_by_itself_and_brings_plotly_js_to_the_page_once()
    {
        await RestoreCharts();
        await Run(Lines);
        Host.Displays.Clear();
        const string First = "Line(\"loss </script> <b>\")";
        var chart = await Value(First);
        Assert.Equal(["application/vnd.plotly.v1+json", "text/html", "text/plain"], chart.Select(p => p.Key));
        var trace = chart.ToJson()["application/vnd.plotly.v1+json"]!["data"]![0]!;
        Assert.Equal(
            ("scatter", "loss </script> <b>", "[1,2,4]"),
            ((string?)trace["type"], (string?)trace["name"], trace["x"]!.ToJsonString())
        );
        Assert.Equal("Chart: scatter \"loss </script> <b>\" of 3", chart["text/plain"]);
        string html = chart["text/html"]!;
        Assert.InRange(html.Length, 1000, 20_000);
        Assert.DoesNotContain("<script", html, StringComparison.Ordinal);
        Assert.Contains("<caption>loss &lt;/script&gt; &lt;b&gt;</caption>", html, StringComparison.Ordinal);
        Assert.Contains("<tr><td>4</td><td>0.125</td></tr></tbody></table>", html, StringComparison.Ordinal);
        Assert.Equal(2, Host.Displays.Count);
        string script = Host.Displays[0].Data["text/html"]!;
        Assert.InRange(script.Length, 3_000_000, 5_500_000);
        Assert.Equal(1, script.Split("</script").Length - 1);
        Assert.Equal((Host.Displays[0].Id, true), (Host.Displays[1].Id, Host.Displays[1].Update));
        Assert.InRange(Host.Displays[1].Data["text/html"]!.Length, 10, 300);

        await Value("Line(\"other\")");
        await Run("display(Line(\"third\"));");
        Assert.Equal(3, Host.Displays.Count);
        await Value(First);
        Assert.Equal(5, Host.Displays.Count);
        int alone = int.Parse((await Run("Line(\"alone\").ToDisplayString(\"text/html\").Length"))!);
        Assert.InRange(alone, 3_000_000, 5_500_000);
        foreach (
            string within in new[]
            {
                "new[] { new { Name = \"a\", Chart = Line(\"in a table\") } }",
                "new[] { Line(\"a\"), Line(\"b\") }",
            }
        )
            Assert.Matches(@"<td><div class=""chart"" data-figure=""", (await Value(within))["text/html"]);

        Host.Displays.Clear();
        Host.KeepsScripts = true;
        await Value(First);
        Assert.False(Assert.Single(Host.Displays).Update);
    }

    /// <summary>Words and data are what a page without plotly.js shows.</summary>
    [Fact]
    public async Task A_chart_without_plotly_js_tells_its_title_and_its_cells()
    {
        const string Json = """
            {"data": [{"type": "heatmap", "x": ["p=2", "p=1"], "y": ["D<48", "D=96"], "z": [[0.5, 1], [2, 3]]},
                      {"type": "scatter", "y": [1, 2], "showlegend": false}],
             "layout": {"title": {"text": "<b>Loss</b><br><i>means</i>"}}}
            """;
        string dll = Compiled.Library(
            Path.Combine(Folder, "Charts.dll"),
            "namespace Plotly.NET; "
                + "public class GenericChart { public static string toFigureJson(GenericChart chart) => "
                + $"\"\"\"\"\n{Json}\n\"\"\"\"; }}"
        );
        var chart = await Value($"#r \"{dll}\"\nnew Plotly.NET.GenericChart()");
        Assert.Equal("Chart \"Loss\": heatmap of 2", chart["text/plain"]);
        Assert.Contains(
            "<caption>heatmap</caption>"
                + "<thead><tr><th></th><th scope=\"col\">p=2</th><th scope=\"col\">p=1</th></tr></thead>"
                + "<tbody><tr><th scope=\"row\">D&lt;48</th><td>0.5</td><td>1</td></tr>"
                + "<tr><th scope=\"row\">D=96</th><td>2</td><td>3</td></tr></tbody></table>\n</div>",
            chart["text/html"],
            StringComparison.Ordinal
        );
    }

    /// <summary>The file is small, and its page has one plotly.js for all charts.</summary>
    [Fact]
    public async Task A_notebook_with_charts_is_small_and_its_page_has_plotly_js_once()
    {
        await RestoreCharts();
        var notebook = NotebookFile.Parse("""{"cells":[],"metadata":{},"nbformat":4,"nbformat_minor":5}""");
        string[] sources =
        [
            "#r \"nuget: Plotly.NET, 6.0.0\"\n#r \"nuget: Plotly.NET.CSharp, 0.14.0\"",
            Lines,
            "Line(\"first\")",
            "display(Line(\"second\"));",
        ];
        foreach (string source in sources)
            notebook.InsertCode(notebook.Cells.Count, source);
        var outcome = await NotebookRunner.RunAsync(notebook, new RunOptions(), TestContext.Current.CancellationToken);
        Assert.Empty(outcome.Failures);
        Assert.InRange(notebook.ToString().Length, 5_000, 100_000);
        string page = HtmlPage.Render(notebook, "charts", Folder);
        Assert.InRange(page.Length, 3_000_000, 5_500_000);
        Assert.Equal(2, page.Split("<div class=\"chart\" data-figure=").Length - 1);
        Assert.Equal(1, page.Split("<script").Length - 1);
        Assert.DoesNotContain("data-plotly-note", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_package_for_dotnet_interactive_leaves_the_session_whole()
    {
        await Run("var shown = display(\"before\");");
        await Restore("Plotly.NET.Interactive, 6.0.0");
        await Run(
            "using Microsoft.DotNet.Interactive.Formatting;\nshown.Update(1); display(HTML(\"<b>2</b>\")); "
                + "Formatter.ResetToDefault();"
        );
        Assert.Equal("<b>2</b>", Host.Displays[^1].Data["text/html"]);
    }

    [Fact]
    public async Task A_data_frame_shows_as_a_table()
    {
        await Restore("Microsoft.Data.Analysis, 0.23.1");
        var frame = await Value(
            """
            using Microsoft.Data.Analysis;
            var frame = new DataFrame(
                new StringDataFrameColumn("name", new[] { "a|b", "<c>", null }),
                new DoubleDataFrameColumn("loss", new double?[] { 0.1, null, 3 }),
                new Int32DataFrameColumn("n", new[] { 1, 2, 3 }));
            frame
            """
        );
        Assert.Equal(["text/html", "text/markdown", "text/plain"], frame.Select(p => p.Key));
        Assert.Equal(
            "<table><thead><tr><th>name</th><th>loss</th><th>n</th></tr></thead>"
                + "<tbody><tr><td>a|b</td><td>0.1</td><td>1</td></tr>"
                + "<tr><td>&lt;c&gt;</td><td>&lt;null&gt;</td><td>2</td></tr>"
                + "<tr><td>&lt;null&gt;</td><td>3</td><td>3</td></tr></tbody></table>",
            frame["text/html"]
        );
        Assert.Equal(
            "| name | loss | n |\n| --- | ---: | ---: |\n| a\\|b | 0.1 | 1 |\n| &lt;c> | &lt;null> | 2 |\n| "
                + "&lt;null> | 3 | 3 |",
            frame["text/markdown"]
        );
        Assert.Equal("name    loss    n\na|b     0.1     1\n<c>     <null>  2\n<null>  3       3", frame["text/plain"]);
        var large = await Value(
            """
            new DataFrame(
                Enumerable.Range(0, 60)
                    .Select(i => (DataFrameColumn)new Int32DataFrameColumn($"c{i}", Enumerable.Range(0, 51)))
                    .ToArray())
            """
        );
        Assert.EndsWith(
            "<tr><td colspan=\"50\">1 more row, 10 more columns</td></tr></tbody></table>",
            large["text/html"],
            StringComparison.Ordinal
        );
        Assert.EndsWith("\n\n1 more row, 10 more columns", large["text/markdown"], StringComparison.Ordinal);
    }

    /// <summary>
    /// An assembly that the kernel itself needs, and one whose types have the names of the kernel's own.
    /// </summary>
    [Fact]
    public async Task Assemblies_of_the_kernels_own_names_change_nothing()
    {
        string own = Compiled.Library(
            Path.Combine(Folder, "System.CommandLine.dll"),
            "namespace System.CommandLine { public class Command { } }"
        );
        string clash = Compiled.Library(
            Path.Combine(Folder, "Microsoft.DotNet.Interactive.dll"),
            "namespace Microsoft.DotNet.Interactive { public static class Kernel { public static int "
                + "display(object o) => 7; } public class DisplayedValue { } }"
        );
        string user = Compiled.Library(
            Path.Combine(Folder, "User.dll"),
            "public static class User { public static int Seven => Microsoft.DotNet.Interactive.Kernel.display(1); }",
            clash
        );
        await Run("var shown = display(1);");
        await Run($"#r \"{own}\"\n#r \"{clash}\"\n#r \"{user}\"\nshown = display(2);");
        Assert.Equal("7", await Run("shown.Update(3); User.Seven"));
        Assert.Equal("True", await Run("new System.CommandLine.Command() != null"));
    }

    /// <summary>
    /// A package whose build files put another assembly in the place of the one that NuGet names, as PatchKit's do with
    /// TorchSharp's.
    /// </summary>
    [Fact]
    public async Task A_package_has_the_files_that_its_build_takes()
    {
        string version = $"0.0.1-test.{Environment.ProcessId}";
        string feed = Directory.CreateDirectory(Path.Combine(Folder, "feed")).FullName;
        string file = Path.Combine(feed, $"CsNotebook.Swapped.{version}.nupkg");
        using (var package = ZipFile.Open(file, ZipArchiveMode.Create))
        {
            Put(
                "CsNotebook.Swapped.nuspec",
                $"""
                <package><metadata>
                  <id>CsNotebook.Swapped</id><version>{version}</version>
                  <authors>tests</authors><description>Swapped.</description>
                </metadata></package>
                """
            );
            Put(
                "buildTransitive/CsNotebook.Swapped.targets",
                """
                <Project>
                  <Target Name="Swap" AfterTargets="ResolvePackageAssets">
                    <ItemGroup>
                      <Swapped Include="@(RuntimeCopyLocalItems)"
                        Condition="'%(NuGetPackageId)' == 'CsNotebook.Swapped'" />
                      <RuntimeCopyLocalItems Remove="@(Swapped)" />
                      <RuntimeCopyLocalItems Include="@(Swapped->'$(MSBuildThisFileDirectory)../mended/Swapped.dll')" />
                    </ItemGroup>
                  </Target>
                </Project>
                """
            );
            Pack("plain", "lib/net10.0/Swapped.dll");
            Pack("mended", "mended/Swapped.dll");

            void Pack(string name, string path)
            {
                string dll = Compiled.Library(
                    Path.Combine(Folder, name, "Swapped.dll"),
                    $"public static class Swapped {{ public static string Who => \"{name}\"; }}"
                );
                package.CreateEntryFromFile(dll, path);
            }

            void Put(string path, string text)
            {
                using var entry = new StreamWriter(package.CreateEntry(path).Open());
                entry.Write(text);
            }
        }
        await Run($"#i \"nuget:{feed}\"");
        await Restore($"CsNotebook.Swapped, {version}");
        Assert.Equal("mended", await Run("Swapped.Who"));
        string packages =
            Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        Directory.Delete(Path.Combine(packages, "csnotebook.swapped", version), recursive: true);
    }

    private async Task<MimeBundle> Value(string code) =>
        (await Session.ExecuteAsync(code, Host, TestContext.Current.CancellationToken))
            is { Error: null, Value: { } value }
            ? value
            : throw new InvalidOperationException(await Run(code));

    private async Task RestoreCharts()
    {
        await Restore("Plotly.NET, 6.0.0");
        await Restore("Plotly.NET.CSharp, 0.14.0");
    }

    private async Task Restore(string package)
    {
        var result = await Session.ExecuteAsync(
            $"#r \"nuget: {package}\"",
            Host,
            TestContext.Current.CancellationToken
        );
        Assert.SkipWhen(
            result.Error?.Message.Contains("could not restore", StringComparison.Ordinal) == true,
            result.Error?.Message ?? ""
        );
        Assert.True(result.Error is null, result.Error?.Message);
    }
}
