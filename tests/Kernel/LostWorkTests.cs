using System.Diagnostics;
using System.Text.Json.Nodes;
using CsNotebook.Engine;
using CsNotebook.Notebook;
using Xunit;

namespace CsNotebook.Tests;

/// <summary>
/// Hours of work in a file are not lost to a run: not to a cell that fails, to a mistake on the command line, or to
/// code that ends the process. After reports on other runners: https://github.com/jupyter/nbconvert/issues/1626 (the
/// file is rewritten before anything ran), https://github.com/nteract/papermill/issues/219 (an output that cannot be
/// written), https://github.com/dotnet/interactive/issues/2715 (Environment.Exit).
/// </summary>
[Trait("speed", "seconds")]
public sealed class LostWorkTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("csnotebook-test-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task Cells_that_did_not_run_keep_their_outputs()
    {
        string file = Write("n.ipynb", "1 + 1", "throw new Exception(\"oops\");", "3 + 3", "4 + 4");
        var (code, error) = await CommandLine.Run("run", file);
        Assert.Equal(1, code);
        Assert.Contains("2 cells further down did not run; the outputs there are of an earlier run.", error);
        Assert.Equal(["2", "Exception", "an hour's work 3", "an hour's work 4"], Shown(file));
    }

    [Fact]
    public async Task So_they_do_when_the_run_is_stopped()
    {
        string file = Write("n.ipynb", "System.IO.File.WriteAllText(\"begun\", \"\"); await Task.Delay(-1);", "2 + 2");
        Assert.Equal(143, await ExitCodeAfter(Signal.SendTerminate, file));
        Assert.Equal(["KeyboardInterrupt", "an hour's work 2"], Shown(file));
    }

    [Fact]
    public async Task A_closed_terminal_stops_a_run_as_ctrl_c_does()
    {
        Signal.SkipWhereIgnored(Signal.Hangup);
        string file = Write("n.ipynb", "1", "System.IO.File.WriteAllText(\"begun\", \"\"); await Task.Delay(-1);");
        Assert.Equal(129, await ExitCodeAfter(Signal.SendHangup, file));
        Assert.Equal(["1", "KeyboardInterrupt"], Shown(file));
    }

    [Theory]
    [InlineData("""{"kernelspec":{"name":"python3","display_name":"Python 3","language":"python"}}""", "python")]
    [InlineData("""{"language_info":{"name":"julia"}}""", "julia")]
    [InlineData("""{"kernelspec":{"name":"ir","display_name":"R"}}""", "ir")]
    [InlineData("""{"kernelspec":{"name":".net-fsharp","display_name":".NET (F#)","language":"F#"}}""", "F#")]
    public async Task A_notebook_of_another_language_is_refused_by_name_and_stays_as_it_is(
        string metadata,
        string language
    )
    {
        string file = Write("n.ipynb", "import os");
        string text = File.ReadAllText(file)
            .Replace(
                "\"metadata\": {},\n \"nbformat\"",
                $"\"metadata\": {metadata},\n \"nbformat\"",
                StringComparison.Ordinal
            );
        File.WriteAllText(file, text);
        foreach (
            string[] command in new string[][]
            {
                ["run", file],
                ["release", file, "--out", Path.Combine(folder, "copy.ipynb")],
            }
        )
        {
            var (code, error) = await CommandLine.Run(command);
            Assert.Equal(2, code);
            Assert.Contains($"it is written in {language}, and this program knows C#", error);
        }
        Assert.Equal(text, File.ReadAllText(file));
    }

    [Theory]
    [InlineData("""{}""")]
    [InlineData("""{"kernelspec":{"name":"csnotebook","display_name":"C#"}}""")]
    [InlineData("""{"kernelspec":{"name":"mine","language":"C#"},"language_info":{"name":"polyglot-notebook"}}""")]
    [InlineData("""{"language_info":{"name":"polyglot-notebook"}}""")]
    [InlineData("""{"kernelspec":"odd","language_info":3}""")]
    public void A_notebook_of_csharp_or_of_no_language_is_not(string metadata) =>
        Assert.Null(NotebookLanguage.Other(JsonNode.Parse(metadata)!.AsObject()));

    [Theory]
    [InlineData("run", "NB", "--out", "FOLDER", "--out FOLDER is a folder; name a file in it.")]
    [InlineData("run", "NB", "--html", "FOLDER", "--html FOLDER is a folder; name a file in it.")]
    [InlineData("run", "NB", "--html", "NB", "would overwrite the notebook of that name")]
    [InlineData("run", "NB", "--out", "NB/x.ipynb", "--out NB/x.ipynb cannot be written: ")]
    [InlineData("run", "FOLDER", "--html", "x.html", "FOLDER is a folder; name a notebook in it.")]
    [InlineData("release", "NB", "--out", "FOLDER", "--out FOLDER is a folder; name a file in it.")]
    [InlineData("release", "NB", "--out", "NB", "is the notebook itself, whose solutions would be lost")]
    public async Task What_cannot_be_written_is_told_before_a_cell_runs(
        string command,
        string input,
        string option,
        string output,
        string sentence
    )
    {
        string file = Write("n.ipynb", "System.IO.File.WriteAllText(\"ran\", \"\");");
        string before = File.ReadAllText(file),
            below = Directory.CreateDirectory(Path.Combine(folder, "below")).FullName;
        var (code, error) = await CommandLine.Run(command, Named(input), option, Named(output));
        Assert.Equal(2, code);
        Assert.Contains(Named(sentence), error);
        Assert.False(File.Exists(Path.Combine(folder, "ran")));
        Assert.Equal(before, File.ReadAllText(file));
        Assert.Equal(
            ["below", "n.ipynb"],
            Directory.EnumerateFileSystemEntries(folder).Select(Path.GetFileName).Order()
        );

        string Named(string text) =>
            text.Replace("FOLDER", below, StringComparison.Ordinal).Replace("NB", file, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_keeps_its_permissions_and_a_link_stays_one()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("Windows has other permissions.");
            return;
        }
        string file = Write("n.ipynb", "1"),
            link = Path.Combine(folder, "link.ipynb");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupWrite);
        File.CreateSymbolicLink(link, file);
        WholeFile.Write(link, "new");
        Assert.Equal("new", File.ReadAllText(file));
        Assert.Equal(file, new FileInfo(link).LinkTarget);
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupWrite,
            File.GetUnixFileMode(file)
        );
        Assert.True(WholeFile.Same(file, link));
        WholeFile.Check("/dev/null", "--out");
        WholeFile.Write("/dev/null", "nothing");
    }

    [Fact]
    public async Task A_cell_that_ends_the_process_fails_and_no_more()
    {
        string file = Write("n.ipynb", "Console.WriteLine(\"before\");\nEnvironment.Exit(3);", "2 + 2");
        var (code, error) = await CommandLine.Run("run", file, "--allow-errors");
        Assert.Equal(0, code);
        Assert.Contains("cell 1, line 2: InvalidOperationException: Environment.Exit(3) would end the kernel", error);
        Assert.Equal(["before\n", "InvalidOperationException", "4"], Shown(file));
    }

    [Fact]
    public async Task A_library_that_ends_the_process_leaves_what_was_done()
    {
        string dll = Compiled.Library(
            Path.Combine(folder, "Ends.dll"),
            "public static class Ends { public static void All() => System.Environment.Exit(0); }"
        );
        string file = Write("n.ipynb", "1 + 1", $"#r \"{dll}\"\nConsole.WriteLine(\"before\");\nEnds.All();", "3 + 3");
        var (code, error) = await CommandLine.Run("run", file);
        Assert.Equal(1, code);
        Assert.Contains("n.ipynb, cell 2: Code that the cell called ended the process, with exit code 0", error);
        Assert.Equal(["2", "before\n", "ProcessExit", "an hour's work 3"], Shown(file));
    }

    /// <summary>A notebook whose cells hold outputs of an earlier run.</summary>
    private string Write(string name, params string[] cells)
    {
        var notebook = NotebookFile.Parse("{\"cells\":[],\"metadata\":{},\"nbformat\":4,\"nbformat_minor\":5}");
        foreach (string source in cells)
        {
            int number = notebook.Cells.Count + 1;
            var cell = notebook.InsertCode(notebook.Cells.Count, source);
            cell.ExecutionCount = number;
            cell.Outputs.Add(
                new JsonObject
                {
                    ["name"] = "stdout",
                    ["output_type"] = "stream",
                    ["text"] = new JsonArray($"an hour's work {number}"),
                }
            );
        }
        string path = Path.Combine(folder, name);
        notebook.Save(path);
        return path;
    }

    /// <summary>Runs a notebook whose last cell to run says in a file that it has begun; sends a signal then.</summary>
    private async Task<int> ExitCodeAfter(Action<Process> send, string file)
    {
        string begun = Path.Combine(folder, "begun");
        using var process = CommandLine.Start("run", file);
        while (!File.Exists(begun) && !process.HasExited)
            await Task.Delay(50, TestContext.Current.CancellationToken);
        send(process);
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill();
        }
        return process.ExitCode;
    }

    /// <summary>Each output of a notebook as text, or as the name of its error.</summary>
    private static IEnumerable<string> Shown(string file) =>
        NotebookFile
            .Load(file)
            .Cells.SelectMany(c => c.Outputs)
            .Select(o => JsonText.Of(o!["ename"]) ?? MultiLine.Join(o["text"] ?? o["data"]!["text/plain"]));
}
