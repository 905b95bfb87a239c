using System.Diagnostics;
using System.Net;
using System.Text.RegularExpressions;
using CsNotebook.Notebook;
using CsNotebook.Site;
using Xunit;

namespace CsNotebook.Tests;

/// <summary>The course site, of this project's own notebooks and of small ones.</summary>
[Trait("speed", "seconds")]
public sealed partial class SiteTests : IDisposable
{
    private static readonly string Notebooks = Path.Combine(Home(), "notebooks");

    private readonly string folder = Directory.CreateTempSubdirectory("csnotebook-test-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_series_is_a_site_whose_links_lead_somewhere_and_whose_images_have_words(bool students)
    {
        // The processor's time, which a busy machine does not lengthen.
        using var process = Process.GetCurrentProcess();
        var before = process.TotalProcessorTime;
        var report = CourseSite.Build(Notebooks, folder, students: students);
        process.Refresh();
        var took = process.TotalProcessorTime - before;
        Assert.Equal(Directory.GetFiles(Notebooks, "*.ipynb").Length, report.Notebooks);
        Assert.Empty(report.Unlinked);
        string[] files = Directory.GetFiles(folder, "*", SearchOption.AllDirectories);
        Assert.Equal((files.Length, files.Sum(file => new FileInfo(file).Length)), (report.Files, report.Bytes));
        Assert.InRange(report.Bytes, 1, 15_000_000);
        Assert.True(took < TimeSpan.FromSeconds(10), $"The site took {took.TotalSeconds:0.0} s.");
        Assert.All(files.Where(IsPage), Check);
        Assert.InRange(files.Count(file => Path.GetFileName(file) == "plotly.min.js"), 0, 1);
        Assert.Equal(!students, File.Exists(Path.Combine(folder, "instructor.html")));
        TestContext.Current.SendDiagnosticMessage($"{report.Bytes / 1e6:0.0} MB, {took.TotalSeconds:0.0} s");
    }

    [Fact]
    public void The_students_variant_has_no_solution_and_no_word_to_instructors()
    {
        CourseSite.Build(Notebooks, folder, students: true);
        string all = string.Join(
            '\n',
            from file in Directory.GetFiles(folder, "*", SearchOption.AllDirectories)
            where Path.GetExtension(file) is ".html" or ".ipynb"
            select WebUtility.HtmlDecode(Tags().Replace(File.ReadAllText(file), ""))
        );
        Assert.DoesNotContain("BEGIN SOLUTION", all, StringComparison.Ordinal);
        Assert.DoesNotContain("A slot of 45 minutes", all, StringComparison.Ordinal);
        int looked = 0;
        foreach (string file in Directory.GetFiles(Notebooks, "*.ipynb"))
        {
            var notebook = NotebookFile.Load(file);
            var kept = NotebookFile.Load(file);
            StudentCopy.Make(kept);
            var left = Lines(kept).ToHashSet(StringComparer.Ordinal);
            // A line that other cells have too is no solution's alone.
            foreach (string line in Lines(notebook).Where(line => line.Length > 20 && !left.Contains(line)))
            {
                Assert.DoesNotContain(line, all, StringComparison.Ordinal);
                looked++;
            }
        }
        Assert.InRange(looked, 20, int.MaxValue);
        Assert.Contains("// your code here", all, StringComparison.Ordinal);
    }

    [Fact]
    public void The_index_says_what_the_notebooks_say()
    {
        CourseSite.Build(Notebooks, folder);
        string index = File.ReadAllText(Path.Combine(folder, "index.html"));
        foreach (string file in Directory.GetFiles(Notebooks, "*.ipynb"))
        {
            string name = Path.GetFileNameWithoutExtension(file);
            string heading = $"<h2><a href=\"{name}.html\"";
            string card = Assert.Single(
                index.Split("<li>\n"),
                card => card.Contains(heading, StringComparison.Ordinal)
            );
            Assert.Contains("<strong>Minutes.</strong>", card, StringComparison.Ordinal);
            Assert.Matches(@"<summary><span class=""count"">. \d+ (shown|not shown|not testable)", card);
            Assert.Matches(@"<img loading=""lazy"" alt=""[^""]{5,}"" src=""figures/", card);
        }
        string second = Page("02-table-1-patch-size.html");
        Assert.Contains("<a rel=\"prev\" href=\"01-what-patchification-throws-away.html\">", second);
        Assert.Contains("<a rel=\"next\" href=\"03-figure-1-the-law.html\">", second);
        Assert.Contains("<details><summary>Solution</summary>", second);
        Assert.Contains("A slot of 45 minutes", Page("instructor.html"));
        Assert.DoesNotContain("A slot of 45 minutes", Page("README.html"));
    }

    [Fact]
    public void A_small_course_with_odd_links_is_a_site()
    {
        string course = Directory.CreateDirectory(Path.Combine(folder, "project", "a course")).FullName;
        string site = Path.Combine(folder, "site");
        File.WriteAllText(Path.Combine(folder, "project", "lib.cs"), "class A { }");
        File.WriteAllText(
            Path.Combine(course, "README.md"),
            "# Course\n\nTwo [notebooks](1%20a.ipynb).\n\n## For instructors\n\nSecret.\n\n## "
                + "After\n\n[Out](../../outside.md)"
        );
        File.WriteAllText(Path.Combine(folder, "outside.md"), "# Outside");
        const string Odd =
            "[two](2.ipynb#The-end) [lib](../lib.cs) [gone](gone.md) [web](https://example.org) [here](#One)";
        Write(
            "1 a",
            $"# One\n\n**Objective.** *See* `x`.\n\n**Minutes.** 5.\n\n{Odd}",
            """
            {"output_type":"stream","name":"stdout",
            "text":["- shown: a < b. 1.\n","- not shown: c.\n","\n","- shown: no."]}
            """
        );
        Write(
            "2",
            "# Two\n\n## The end",
            """
            {"output_type":"execute_result","execution_count":1,"metadata":{},
            "data":{"image/png":"iVBORw0KGgo=","text/plain":"a picture"}}
            """
        );
        var report = CourseSite.Build(course, site, "T");
        Assert.Equal(["1 a.html: gone.md"], report.Unlinked);
        Assert.Contains("<p>Out</p>", Page("site/README.html"));
        Assert.Contains(
            "<a href=\"2.html#the-end\">two</a> <a href=\"source/lib.cs.html\">lib</a> gone "
                + "<a href=\"https://example.org\">web</a> <a href=\"#one\">here</a>",
            Page("site/1 a.html")
        );
        string index = Page("site/index.html");
        Assert.Contains("✔ 1 shown</span>, <span class=\"count\">✘ 1 not shown</span>", index);
        Assert.Contains("<strong>✔ shown</strong>: a &lt; b. 1.</li>", index);
        Assert.Contains("<em>See</em> <code>x</code>.", index);
        Assert.Contains("alt=\"a picture\" src=\"figures/2.png\"", index);
        Assert.All(Directory.GetFiles(site, "*.html", SearchOption.AllDirectories), Check);

        CourseSite.Build(course, site, students: true);
        Assert.DoesNotContain("Secret", string.Concat(Directory.GetFiles(site, "*.html").Select(File.ReadAllText)));

        void Write(string name, string markdown, string output)
        {
            string text = System.Text.Json.JsonSerializer.Serialize(markdown);
            File.WriteAllText(
                Path.Combine(course, $"{name}.ipynb"),
                $$"""
                {"cells":[{"cell_type":"markdown","metadata":{},"source":{{text}}},
                {"cell_type":"code","metadata":{},"source":"1","execution_count":1,"outputs":[{{output}}]}],
                "metadata":{},"nbformat":4,"nbformat_minor":5}
                """
            );
        }
    }

    [Fact]
    public async Task A_folder_that_is_no_site_is_left_alone()
    {
        string other = Directory.CreateDirectory(Path.Combine(folder, "other")).FullName;
        File.WriteAllText(Path.Combine(other, "mine.txt"), "");
        Assert.Contains("holds files that are no site of csnotebook", Refusal(Notebooks, other));
        Assert.Contains("no notebook in", Refusal(other, folder));
        Assert.Contains("there is no folder", Refusal(Path.Combine(folder, "gone"), folder));
        var (code, error) = await CommandLine.Run("site", other, "--out", Path.Combine(folder, "new"));
        Assert.Equal(2, code);
        Assert.Contains("no notebook in", error, StringComparison.Ordinal);
    }

    private static string Refusal(string course, string site) =>
        Assert.Throws<ArgumentException>(() => CourseSite.Build(course, site)).Message;

    private static IEnumerable<string> Lines(NotebookFile notebook) =>
        from cell in notebook.Cells
        from line in cell.Source.Split('\n')
        select line.Trim();

    private string Page(string path) => File.ReadAllText(Path.Combine(folder, path));

    private static bool IsPage(string file) => Path.GetExtension(file) == ".html";

    private void Check(string page)
    {
        string html = File.ReadAllText(page);
        string site = Path.Combine(folder, "site"),
            name = Path.GetRelativePath(folder, page);
        if (!page.StartsWith(site, StringComparison.Ordinal))
            site = folder;
        bool plotly = File.Exists(Path.Combine(site, "plotly.min.js"));
        foreach (Match match in Address().Matches(html))
        {
            string address = WebUtility.HtmlDecode(match.Groups[2].Value);
            if (Outside().IsMatch(address) || (match.Groups[1].Value == "data-plotly" && !plotly))
                continue;
            string[] parts = address.Split('#');
            string from = Path.GetDirectoryName(page)!,
                to = Uri.UnescapeDataString(parts[0]);
            string target = to.Length == 0 ? page : Path.GetFullPath(Path.Combine(from, to));
            Assert.True(File.Exists(target), $"{name} links to {address}, where there is nothing.");
            Assert.StartsWith(site, target, StringComparison.Ordinal);
            if (parts.Length > 1)
                Assert.True(
                    File.ReadAllText(target).Contains($"id=\"{parts[1]}\"", StringComparison.Ordinal),
                    $"{name} links to {address}, which has no such part."
                );
        }
        foreach (Match image in Image().Matches(html))
            Assert.True(
                Alternative().IsMatch(image.Value),
                $"{name} has an image without words: {image.Value[..Math.Min(200, image.Value.Length)]}"
            );
        Assert.Contains("<meta name=\"viewport\"", html, StringComparison.Ordinal);
    }

    private static string Home()
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "PatchKit.csproj")))
                return at.FullName;
        }
        throw new DirectoryNotFoundException(
            $"There is no PatchKit.csproj above {AppContext.BaseDirectory}; run the tests from where they were built."
        );
    }

    [GeneratedRegex("""<(?:a|link|script|img)\b[^>]*?\b(href|src|data-plotly)=["']([^"']*)["']""")]
    private static partial Regex Address();

    [GeneratedRegex("^(https?:|data:|mailto:)")]
    private static partial Regex Outside();

    [GeneratedRegex("<img[^>]*>")]
    private static partial Regex Image();

    [GeneratedRegex("""\balt=(["']).+?\1""")]
    private static partial Regex Alternative();

    [GeneratedRegex("<[^>]*>")]
    private static partial Regex Tags();
}
