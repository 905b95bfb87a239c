using System.Diagnostics;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CsNotebook.Engine;
using CsNotebook.Notebook;
using Xunit;

namespace CsNotebook.Tests;

/// <summary>Notebooks run without a front end.</summary>
[Trait("speed", "seconds")]
public sealed class NotebookTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly string folder = Directory.CreateTempSubdirectory("csnotebook-test-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task An_executed_notebook_is_valid()
    {
        var notebook = Notebook(
            "Console.Write(\"a\"); Console.Error.Write(\"b\"); Console.WriteLine(\"c\");",
            "var d = display(HTML(\"<b>1</b>\")); d.Update(HTML(\"<b>2</b>\"));",
            "for (int i = 0; i < 3; i++) Console.Write($\"\\rstep {i}\");\n6 * 7",
            ""
        );
        var outcome = await NotebookRunner.RunAsync(notebook, new RunOptions(), TestContext.Current.CancellationToken);
        Assert.Equal((3, 0, false), (outcome.CellsRun, outcome.Failures.Count, outcome.Stopped));
        var json = Valid(notebook);
        Assert.Equal(
            ["stdout a", "stderr b", "stdout c\n"],
            Outputs(json, 0).Select(o => $"{o["name"]} {Join(o["text"])}")
        );
        var shown = Assert.Single(Outputs(json, 1));
        Assert.Equal("<b>2</b>", Join(shown["data"]!["text/html"]));
        Assert.Equal("step 2", Join(Outputs(json, 2)[0]["text"]));
        Assert.Equal(
            "execute_result 3",
            $"{Outputs(json, 2)[1]["output_type"]} {Outputs(json, 2)[1]["execution_count"]}"
        );
        Assert.Null(notebook.Cells[3].ExecutionCount);
    }

    [Fact]
    public async Task A_failing_cell_ends_the_run_unless_errors_are_allowed()
    {
        var notebook = Notebook("var a = 1;", "\nthrow new Exception(\"oops\");", "a");
        var outcome = await NotebookRunner.RunAsync(notebook, new RunOptions(), TestContext.Current.CancellationToken);
        var (cell, error) = Assert.Single(outcome.Failures);
        Assert.Equal((2, 2, "oops"), (cell, error.Line, error.Message));
        Assert.Null(notebook.Cells[2].ExecutionCount);
        Valid(notebook);

        outcome = await NotebookRunner.RunAsync(
            notebook,
            new RunOptions { AllowErrors = true },
            TestContext.Current.CancellationToken
        );
        Assert.Single(outcome.Failures);
        Assert.Equal("1", Join(Outputs(Valid(notebook), 2)[0]["data"]!["text/plain"]));
    }

    [Fact]
    public async Task A_slow_cell_meets_the_limit()
    {
        var notebook = Notebook("await Task.Delay(100000);");
        var outcome = await NotebookRunner.RunAsync(
            notebook,
            new RunOptions { Timeout = TimeSpan.FromSeconds(2) },
            TestContext.Current.CancellationToken
        );
        Assert.StartsWith(
            "Cell 1 ran longer than 2 s",
            Assert.Single(outcome.Failures).Error.Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_cell_that_does_not_stop_ends_the_run()
    {
        string released = Path.Combine(folder, "released");
        string dll = Compiled.Library(
            Path.Combine(folder, "Deaf.dll"),
            "public static class Deaf { public static void Wait(string file) { while "
                + "(!System.IO.File.Exists(file)) { } System.IO.File.Delete(file); } }"
        );
        var notebook = Notebook($"#r \"{dll}\"\nDeaf.Wait(\"{released}\");", "1");
        var options = new RunOptions
        {
            Timeout = TimeSpan.FromSeconds(2),
            Patience = TimeSpan.FromSeconds(1),
            AllowErrors = true,
        };
        var outcome = await NotebookRunner.RunAsync(notebook, options, TestContext.Current.CancellationToken);
        // It still has the turn over all sessions, and the next test wants it.
        File.WriteAllText(released, "");
        while (File.Exists(released))
            await Task.Delay(10, TestContext.Current.CancellationToken);
        Assert.Contains(
            "still runs 1 s later",
            Assert.Single(outcome.Failures).Error.Message,
            StringComparison.Ordinal
        );
        Assert.Null(notebook.Cells[1].ExecutionCount);
        Valid(notebook);
    }

    [Fact]
    public async Task A_cell_that_is_to_fail_may_fail()
    {
        var notebook = Notebook("throw new Exception(\"as told\");", "1");
        notebook.Cells[0].Metadata["tags"] = new JsonArray("raises-exception");
        var outcome = await NotebookRunner.RunAsync(notebook, new RunOptions(), TestContext.Current.CancellationToken);
        Assert.Equal((2, 0), (outcome.CellsRun, outcome.Failures.Count));
    }

    [Theory]
    [InlineData(null, @"^(cell 1/2 +\d+ s  Wait\(\);  step 1 \.\.\.\n)+cell 1/2 +\d+\.\d\d s  Wait\(\);\ncell 2/2 ")]
    [InlineData(25, @"^(\rcell 1/2 .{0,15}\e\[K)*\rcell 1/2 .{0,15}\e\[K\n\rcell 2/2 ")]
    [InlineData(
        35,
        @"^(\rcell 1/2 +\d+ s  Wait\(\);  s\.\.\.\e\[K)+\rcell 1/2 +\d+\.\d\d s  Wait\(\);\e\[K\n\rcell 2/2 "
    )]
    public async Task Progress_follows_a_long_cell(int? width, string pattern)
    {
        string go = Path.Combine(folder, "go");
        var notebook = Notebook(
            "Wait();\nConsole.WriteLine(\"\\nstep 1\");\nvoid Wait() => System.IO.File.Exists(\"\");\n"
                + $"while (!System.IO.File.Exists(\"{go}\")) await Task.Delay(50);",
            "1"
        );
        var written = new StringWriter();
        var writer = TextWriter.Synchronized(written);
        using var progress = new RunProgress(writer, width, TimeSpan.FromSeconds(1));
        var running = NotebookRunner.RunAsync(
            notebook,
            new RunOptions { Progress = progress },
            TestContext.Current.CancellationToken
        );
        while (!running.IsCompleted && !Regex.IsMatch(Written(), width == 25 ? @"W\.\.\.|s  \.\.\." : @"Wait\(\);  s"))
            await Task.Delay(50, TestContext.Current.CancellationToken);
        File.WriteAllText(go, "");
        await running;
        // Before the cell has written anything the line is without it.
        Assert.Matches(pattern, Regex.Replace(Written(), @"\r?cell 1/2 +\d+ s  Wait\(\);( \.\.\.\n|\e\[K)", ""));

        string Written()
        {
            lock (writer)
                return written.ToString();
        }
    }

    [Fact]
    public async Task Parameters_are_set_in_a_cell_behind_the_tagged_one()
    {
        var notebook = Notebook(
            "string scale = \"teach\"; int[] seeds = [1]; var rate = 0.1;",
            "$\"{scale} {seeds.Length} {rate}\""
        );
        notebook.Cells[0].Metadata["tags"] = new JsonArray("parameters");
        for (int i = 0; i < 2; i++)
            Parameters.Set(notebook, [new("scale", "smoke"), new("seeds", "[1, 2, 3]"), new("rate", "0.5")]);
        Assert.Equal(3, notebook.Cells.Count);
        Assert.Equal(["injected-parameters"], notebook.Cells[1].Tags);
        Assert.Equal(
            "// Parameters\nstring scale = \"smoke\";\nint[] seeds = [1, 2, 3];\ndouble rate = 0.5;",
            notebook.Cells[1].Source
        );
        await NotebookRunner.RunAsync(notebook, new RunOptions(), TestContext.Current.CancellationToken);
        Assert.Equal("smoke 3 0.5", Join(Outputs(Valid(notebook), 2)[0]["data"]!["text/plain"]));

        Assert.Contains(
            "Did you mean scale?",
            Assert.Throws<ArgumentException>(() => Parameters.Set(notebook, [new("scal", "x")])).Message
        );
        Assert.Contains(
            "no C# expression",
            Assert.Throws<ArgumentException>(() => Parameters.Set(notebook, [new("seeds", "[1")])).Message
        );
        Assert.Contains(
            "no code cell tagged",
            Assert.Throws<ArgumentException>(() => Parameters.Set(Notebook("1"), [new("a", "1")])).Message
        );
    }

    [Theory]
    [InlineData("bool quick = false;", "quick=True", "bool quick = true;")]
    [InlineData("var quick = true;", "quick=false", "bool quick = false;")]
    [InlineData("int seeds = 3;", "seeds=-1", "int seeds = -1;")]
    [InlineData("int? limit = null;", "limit=5", "int? limit = 5;")]
    [InlineData("var rate = -0.1;", "rate=1", "double rate = 1;")]
    [InlineData("float rate = 0.1f;", "rate=-0.5", "float rate = (float)-0.5;")]
    [InlineData("var price = 1m;", "price=1e3", "decimal price = (decimal)1e3;")]
    [InlineData("string? data = null;", "data=a \"b\"\\c", "string? data = \"a \\\"b\\\"\\\\c\";")]
    [InlineData("var rate = 0.1;", "rate=NaN", "double rate = double.NaN;")]
    [InlineData("float rate = 0.1f;", "rate=-inf", "float rate = float.NegativeInfinity;")]
    [InlineData("int n = 1; int m = 2;", "m=n", "int m = n;")]
    [InlineData("long n = 1;", "n=-9223372036854775808", "long n = -9223372036854775808;")]
    [InlineData("int n = 1;", "n=int.MaxValue / 2", "int n = int.MaxValue / 2;")]
    [InlineData("var (a, b) = (1, 2); var sizes = new[] { 1 };", "sizes=new[] { 2, 3 }", "var sizes = new[] { 2, 3 };")]
    public async Task A_value_takes_the_parameters_type(string declaration, string set, string line)
    {
        var notebook = Notebook(declaration);
        notebook.Cells[0].Metadata["tags"] = new JsonArray("parameters");
        string[] pair = set.Split('=', 2);
        Assert.Equal([line], Parameters.Set(notebook, [new(pair[0], pair[1])]));
        var outcome = await NotebookRunner.RunAsync(notebook, new RunOptions(), TestContext.Current.CancellationToken);
        Assert.Empty(outcome.Failures);
    }

    [Theory]
    [InlineData("int n = 1;", "n cannot be NaN: its type is int, and that is no int.", "n=NaN")]
    [InlineData("int n = 1;", "n cannot be 1.5: its type is int, and that is no int.", "n=1.5")]
    [InlineData("int n = 1;", "n cannot be 3000000000: its type is int", "n=3000000000")]
    [InlineData("int n = 1;", "n cannot be many: its type is int", "n=many")]
    [InlineData("int n = 1;", "n cannot be null: its type is int", "n=null")]
    [InlineData("bool quick = true;", "quick cannot be yes: its type is bool", "quick=yes")]
    [InlineData("bool quick = true;", "quick cannot be 1: its type is bool", "quick=1")]
    [InlineData("double rate = 1;", "rate cannot be \"1\": its type is double", "rate=\"1\"")]
    [InlineData("decimal price = 1;", "price cannot be NaN: its type is decimal", "price=NaN")]
    [InlineData("int n = 1;", "--set n= gives n no value", "n=")]
    [InlineData("int n = 1;", "n is set to 1 and to 2; set it once.", "n=1", "n=2")]
    [InlineData("Console.WriteLine();", "The notebook has no parameter n; it has none.", "n=1")]
    public void A_value_that_cannot_be_one_is_refused(string declaration, string sentence, params string[] set)
    {
        var notebook = Notebook(declaration);
        notebook.Cells[0].Metadata["tags"] = new JsonArray("parameters");
        var pairs = set.Select(s => s.Split('=', 2)).Select(p => KeyValuePair.Create(p[0], p[1])).ToList();
        Assert.StartsWith(
            sentence,
            Assert.Throws<ArgumentException>(() => Parameters.Set(notebook, pairs)).Message,
            StringComparison.Ordinal
        );
        Assert.Single(notebook.Cells);
    }

    [Fact]
    public void A_student_copy_has_no_solutions_and_no_outputs()
    {
        var notebook = Notebook(
            "int Check() => 1;\n    // BEGIN SOLUTION\n    int secret = 42;\n    // END SOLUTION\nCheck()"
        );
        notebook.Cells[0].ExecutionCount = 3;
        notebook.Cells[0].Outputs.Add(new JsonObject());
        Assert.Equal(1, StudentCopy.Make(notebook));
        Assert.Equal("int Check() => 1;\n    // your code here\nCheck()", notebook.Cells[0].Source);
        Assert.Empty(notebook.Cells[0].Outputs);
        Assert.Null(notebook.Cells[0].ExecutionCount);
        Assert.Equal(
            "Cell 1, line 1: BEGIN SOLUTION without an END SOLUTION.",
            Assert.Throws<InvalidDataException>(() => StudentCopy.Make(Notebook("// BEGIN SOLUTION\nint a;"))).Message
        );
    }

    [Fact]
    public void A_student_copy_has_no_words_to_instructors_and_its_links_lead_to_the_same_files()
    {
        string from = Directory.CreateDirectory(Path.Combine(folder, "notebooks")).FullName,
            to = Directory.CreateDirectory(Path.Combine(folder, "out", "students")).FullName;
        Directory.CreateDirectory(Path.Combine(from, "recorded"));
        foreach (string name in new[] { "02 a.ipynb", "03.ipynb", "README.md" })
            File.WriteAllText(Path.Combine(from, name), "");
        File.WriteAllText(Path.Combine(to, "03.ipynb"), "");
        var notebook = NotebookFile.Parse(
            """
            {"cells":[{"cell_type":"markdown","metadata":{},"source":[
            "[two](02%20a.ipynb) [three](03.ipynb) [steps](README.md#three-ways) [there](recorded)\n",
            "[web](https://example.org/a) [none](absent.ipynb) [here](#exercises)\n","\n",
            "<!-- BEGIN SOLUTION -->\n","Solutions are folded.\n","<!-- END SOLUTION -->"]}],
            "metadata":{},"nbformat":4,"nbformat_minor":5}
            """
        );
        Assert.Equal(0, StudentCopy.Make(notebook, from, to));
        Assert.Equal(
            "[two](../../notebooks/02%20a.ipynb) [three](03.ipynb) "
                + "[steps](../../notebooks/README.md#three-ways) [there](../../notebooks/recorded)\n"
                + "[web](https://example.org/a) [none](absent.ipynb) [here](#exercises)\n",
            notebook.Cells[0].Source
        );
        File.WriteAllText(Path.Combine(to, "02 a.html"), "");
        notebook = NotebookFile.Parse(
            """
            {"cells":[{"cell_type":"markdown","metadata":{},
            "source":["[two](02%20a.ipynb) [three](03.ipynb#x) [web](https://example.org)"]}],
            "metadata":{},"nbformat":4,"nbformat_minor":5}
            """
        );
        string page = HtmlPage.Render(notebook, "page", from, to);
        foreach (
            string link in new[] { "\"02%20a.html\"", "\"../../notebooks/03.ipynb#x\"", "\"https://example.org\"" }
        )
            Assert.Contains($"<a href={link}>", page);
    }

    [Fact]
    public void A_page_has_a_dark_scheme_and_room_for_120_columns()
    {
        string page = HtmlPage.Render(Notebook("1 + 1"), "page", folder);
        Assert.Contains("@media (prefers-color-scheme: dark)", page);
        Assert.Contains("main { max-width: 66rem;", page);
        Assert.DoesNotContain("position: absolute", page);
    }

    [Fact]
    public async Task A_page_needs_nothing_else()
    {
        File.WriteAllBytes(Path.Combine(folder, "dot.png"), [137, 80, 78, 71]);
        var notebook = NotebookFile.Parse(
            """
            {"cells":[{"cell_type":"markdown","metadata":{},"source":["# A *title*\n","\n","![dot](dot.png)\n","\n",
            "| a | b |\n","|---|---|\n","| 1 | 2 |\n","\n","A $x^2$ formula."]},
            {"cell_type":"code","metadata":{},"source":["var x = \"<&>\"; // note\n","HTML(\"<svg id='here'></svg>\")"],
            "outputs":[],"execution_count":null},
            {"cell_type":"code","metadata":{"jupyter":{"source_hidden":true}},
            "source":["Console.WriteLine(x); throw new Exception(\"<oops>\");"],"outputs":[],"execution_count":null}],
            "metadata":{},"nbformat":4,"nbformat_minor":2}
            """
        );
        await NotebookRunner.RunAsync(notebook, new RunOptions(), TestContext.Current.CancellationToken);
        string page = HtmlPage.Render(notebook, "file", folder);
        Assert.Contains("<title>A *title*</title>", page);
        Assert.Contains("src=\"data:image/png;base64,iVBORw==\"", page);
        Assert.Contains("<td>1</td>", page);
        Assert.Contains("<span class=\"math\">x^2</span>", page);
        Assert.Contains("<svg id='here'></svg>", page);
        Assert.Contains("<span class=\"c\">// note</span>", page);
        Assert.Contains("<pre class=\"output stdout\">&lt;&amp;&gt;\n</pre>", page);
        Assert.Contains("System.Exception: &lt;oops&gt;", page);
        Assert.Contains(
            "<details><summary>Code</summary>",
            Assert.Single(page.Split("<section"), s => s.Contains("oops", StringComparison.Ordinal))
        );
        Assert.DoesNotContain("http", page, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void What_this_program_does_not_know_stays_in_the_file()
    {
        const string Text =
            "{\"cells\":[{\"cell_type\":\"raw\",\"id\":\"r\",\"metadata\":{\"x\":[1]},\"source\":[\"as "
            + "is\"]}],\"metadata\":{\"authors\":[\"Ä <b>\"]},\"nbformat\":4,\"nbformat_minor\":5}";
        string saved = NotebookFile.Parse(Text).ToString();
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(Text), JsonNode.Parse(saved)));
        Assert.Contains("Ä <b>", saved);
        Assert.Throws<InvalidDataException>(() => NotebookFile.Parse("{\"nbformat\":3,\"worksheets\":[]}"));
    }

    [Fact]
    public async Task The_command_runs_saves_and_tells()
    {
        string file = Path.Combine(folder, "n.ipynb"),
            saved = Path.Combine(folder, "out", "n.ipynb"),
            page = Path.Combine(folder, "out", "n.html");
        Notebook("using System.IO;\nFile.Exists(\"n.ipynb\")", "throw new Exception(\"oops\");").Save(file);
        var (code, error) = await CommandLine.Run("run", file, "--out", saved, "--html", page);
        Assert.Equal(1, code);
        Assert.Contains("n.ipynb, cell 2, line 1: Exception: oops\n    throw new Exception(\"oops\");", error);
        Assert.Equal("True", Join(Outputs(Valid(NotebookFile.Load(saved)), 0)[0]["data"]!["text/plain"]));
        Assert.True(File.Exists(page));
        Assert.Equal(0, (await CommandLine.Run("run", file, "--out", saved, "--allow-errors")).Code);
        Assert.Equal(
            (2, "--set changes the notebook; say with --out FILE where to save the result.\n"),
            await CommandLine.Run("run", file, "--set", "a=1")
        );
        Assert.Equal(0, (await CommandLine.Run("release", file, "--out", saved)).Code);
        Assert.Equal(2, (await CommandLine.Run("run")).Code);
        var parameters = Notebook("string data = \"\"; var rate = 1;");
        parameters.Cells[0].Metadata["tags"] = new JsonArray("parameters");
        parameters.Save(file);
        (code, error) = await CommandLine.Run("run", "--set", "data=x=1", "--set", "rate=2", file, "--out", saved);
        Assert.True(code == 0, error);
        Assert.Equal("// Parameters\nstring data = \"x=1\";\nint rate = 2;", NotebookFile.Load(saved).Cells[1].Source);
        Assert.Contains(
            "--timeout 0 is no time for a cell",
            (await CommandLine.Run("run", file, "--timeout", "0")).Error,
            StringComparison.Ordinal
        );
        Assert.Equal(2, (await CommandLine.Run("run", Path.Combine(folder, "absent.ipynb"))).Code);
    }

    [Fact]
    public async Task Ctrl_c_stops_the_cell_and_saves()
    {
        Signal.SkipWhereIgnored(Signal.Interrupt);
        string file = Path.Combine(folder, "n.ipynb"),
            begun = Path.Combine(folder, "begun");
        Notebook(
                "var a = 1;\na",
                "Console.WriteLine(\"waiting\"); System.IO.File.WriteAllText(\"begun\", \"\"); await Task.Delay(-1);",
                "a"
            )
            .Save(file);
        using var process = CommandLine.Start("run", file);
        var told = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        while (!File.Exists(begun) && !process.HasExited)
            await Task.Delay(50, TestContext.Current.CancellationToken);
        Signal.SendInterrupt(process);
        string rest = await told.WaitAsync(Limit, TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(130, process.ExitCode);
        Assert.Contains("Stopped;", rest);
        var json = Valid(NotebookFile.Load(file));
        Assert.Equal("1", Join(Outputs(json, 0)[0]["data"]!["text/plain"]));
        Assert.Equal(["stream", "error"], Outputs(json, 1).Select(o => $"{o["output_type"]}"));
    }

    private static NotebookFile Notebook(params string[] cells)
    {
        var notebook = NotebookFile.Parse("{\"cells\":[],\"metadata\":{},\"nbformat\":4,\"nbformat_minor\":5}");
        foreach (string source in cells)
            notebook.InsertCode(notebook.Cells.Count, source);
        return notebook;
    }

    private static List<JsonObject> Outputs(JsonNode notebook, int cell) =>
        [.. notebook["cells"]![cell]!["outputs"]!.AsArray().Select(o => o!.AsObject())];

    private static string Join(JsonNode? text) =>
        text is JsonArray lines ? string.Concat(lines.Select(l => l!.GetValue<string>())) : text!.GetValue<string>();

    /// <summary>Holds a notebook against nbformat 4.5's schema, read by a person.</summary>
    private static JsonNode Valid(NotebookFile notebook)
    {
        var json = JsonNode.Parse(notebook.ToString())!;
        Assert.Equal((4, 5), (json["nbformat"]!.GetValue<int>(), json["nbformat_minor"]!.GetValue<int>()));
        Assert.Equal("csnotebook", json["metadata"]?["kernelspec"]?["name"]?.GetValue<string>() ?? "csnotebook");
        var cells = json["cells"]!.AsArray().Select(c => c!.AsObject()).ToList();
        Assert.Equal(cells.Count, cells.Select(c => c["id"]!.GetValue<string>()).Distinct().Count());
        foreach (var cell in cells)
        {
            Assert.Matches("^[a-zA-Z0-9-_]{1,64}$", cell["id"]!.GetValue<string>());
            Assert.IsType<JsonObject>(cell["metadata"]);
            Assert.True(cell["source"] is JsonArray or JsonValue);
            if (cell["cell_type"]!.GetValue<string>() != "code")
            {
                Assert.False(cell.ContainsKey("outputs"));
                continue;
            }
            Assert.True(cell.ContainsKey("execution_count"));
            // A front end that does not note times would leave these beside outputs of its own.
            Assert.False(cell["metadata"]!.AsObject().ContainsKey("execution"));
            foreach (var output in cell["outputs"]!.AsArray().Select(o => o!.AsObject()))
            {
                string[] keys = output["output_type"]!.GetValue<string>() switch
                {
                    "stream" => ["name", "output_type", "text"],
                    "display_data" => ["data", "metadata", "output_type"],
                    "execute_result" => ["data", "execution_count", "metadata", "output_type"],
                    "error" => ["ename", "evalue", "output_type", "traceback"],
                    var other => throw new InvalidDataException(other),
                };
                Assert.Equal(keys, output.Select(p => p.Key).Order(StringComparer.Ordinal));
            }
        }
        return json;
    }
}
