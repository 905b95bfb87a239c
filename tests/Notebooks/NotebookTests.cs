using System.Diagnostics;
using System.Text.RegularExpressions;
using PatchKit.Experiments;
using PatchKit.Experiments.Recording;
using PatchKit.Tests.Cli;
using PatchKit.Training.Runs;
using Xunit;

namespace PatchKit.Tests.Notebooks;

/// <summary>The notebooks as they are committed, executed at `smoke`, and as students get them.</summary>
[Trait("work", "processes")]
public sealed partial class NotebookTests(ITestOutputHelper output, NotebookTests.Desk desk)
    : IClassFixture<NotebookTests.Desk>
{
    private static readonly string s_home = Checkout.Home;

    /// <summary>Where the notebooks are.</summary>
    internal static string Folder => Path.Combine(s_home, "notebooks");

    public static TheoryData<string> Names =>
        [
            .. Directory
                .EnumerateFiles(Path.Combine(s_home, "notebooks"), "*.ipynb")
                .Order(StringComparer.Ordinal)
                .Select(path => Path.GetFileName(path)),
        ];

    [Theory, MemberData(nameof(Names))]
    public void IsCommittedExecutedAtTeach(string name)
    {
        var notebook = SavedNotebook.Load(Path.Combine(s_home, "notebooks", name));
        Assert.Equal((4, 5), notebook.Format);
        Assert.Equal("csnotebook", notebook.Kernel);
        Assert.All(notebook.Code, cell => Assert.True(cell.IsExecuted, $"not executed: {cell.Source}"));
        Assert.Empty(notebook.Cells.SelectMany(cell => cell.Errors));
        Assert.Contains(notebook.Cells, cell => cell.HasFigure);
        Assert.Contains(
            "scale = \"teach\"",
            Assert.Single(notebook.Cells, cell => cell.Tags.Contains("parameters")).Source
        );
        Assert.DoesNotContain(notebook.Cells, cell => cell.Tags.Contains("injected-parameters"));
        Assert.All(Checks(notebook), check => Assert.Contains(": right.", check.Text));
    }

    [Theory, MemberData(nameof(Names))]
    public void HasTheSeriesForm(string name)
    {
        var notebook = SavedNotebook.Load(Path.Combine(s_home, "notebooks", name));
        string first = notebook.Cells[0].Source,
            all = string.Join('\n', notebook.Cells.Where(cell => !cell.IsCode).Select(cell => cell.Source));
        Assert.StartsWith($"# {name[..2]} · ", first);
        Assert.Contains("**Objective.**", first);
        Assert.Contains("**Minutes.**", first);
        Assert.Matches("(?m)^## Summary", all);
        Assert.Matches("(?m)^## Exercises", all);
        Assert.InRange(Checks(notebook).Count(), 3, 5);
        Assert.Equal(Checks(notebook).Count(), notebook.Code.Count(cell => cell.Source.Contains("// BEGIN SOLUTION")));
        Assert.All(
            notebook.Code,
            cell => Assert.True(cell.Source.Split('\n').Length <= 32, $"more than a screen: {cell.Source}")
        );
        foreach (Match link in Links().Matches(all))
            Assert.True(
                File.Exists(Path.Combine(s_home, "notebooks", link.Groups[1].Value)),
                $"{name} links to {link.Groups[1].Value}"
            );
    }

    [Theory, MemberData(nameof(Names))]
    public void ItsProseHasNoOptionsOfACommandLineAndItsBarsBeginAtZero(string name)
    {
        var notebook = SavedNotebook.Load(Path.Combine(s_home, "notebooks", name));
        Assert.All(
            notebook.Cells.Where(cell => !cell.IsCode),
            cell => Assert.DoesNotMatch(@"(^|[\s`(])--[a-z]", Instructors().Replace(cell.Source, ""))
        );
        Assert.All(notebook.Cells.Where(cell => !cell.IsCode), cell => Assert.DoesNotContain("+-", cell.Source));
        Assert.All(
            notebook.Code.Where(cell => cell.Source.Contains(".Bars(")),
            cell => Assert.DoesNotContain("Min = 40", cell.Source)
        );
    }

    // What a head says, the table of notebooks/README.md, and the seconds of the recorded runs that are the notebook's
    // own.
    [Theory]
    [InlineData("02", "table1", null)]
    [InlineData("04", "table2", null)]
    [InlineData("05", "table3", null)]
    [InlineData("06", "figure3", "table1")]
    [InlineData("07", "figure4", "table1")]
    [InlineData("08", "table4", "table1")]
    [InlineData("09", "table5", "table1")]
    public void MinutesAreThoseOfTheRecordedRuns(string number, string experiment, string? after)
    {
        var own = Recorded(experiment);
        var shared = after is null ? [] : Recorded(after).Select(run => run.Key).ToHashSet();
        double minutes = own.Where(run => !shared.Contains(run.Key)).Sum(run => run.Seconds) / 60;
        Assert.InRange(Trains(number), minutes - Math.Max(0.6, minutes / 5), minutes + Math.Max(0.6, minutes / 5));

        IReadOnlyList<RunResult> Recorded(string of) =>
            RecordedResults
                .Of(ExperimentBook.Find(of), Path.Combine(s_home, "notebooks", "recorded"))
                .All.Single(result => result.FileName.StartsWith($"{of}-teach-generated"))
                .Results;
    }

    [Theory, MemberData(nameof(Names))]
    public void MinutesAreTheTables(string name)
    {
        string head = SavedNotebook.Load(Path.Combine(s_home, "notebooks", name)).Cells[0].Source;
        var row = Row(name[..2]);
        Assert.Equal(row.Groups["read"].Value, Regex.Match(head, @"\*\*Minutes\.\*\* (\d+) to read").Groups[1].Value);
        var trains = Regex.Match(head, @"(?:train|measures) for about (\d+) minutes?");
        if (row.Groups["train"].Value is { Length: > 0 } said)
            Assert.Equal(said, trains.Groups[1].Value);
        else if (row.Groups["words"].Value.Trim() == "shares 02's runs")
            Assert.Equal($"{Trains("02")}", trains.Groups[1].Value);
        else
            Assert.Contains("Nothing is trained.", head);
    }

    private static double Trains(string number) =>
        double.Parse(Row(number).Groups["train"].Value, System.Globalization.CultureInfo.InvariantCulture);

    private static Match Row(string number)
    {
        var row = Regex.Match(
            File.ReadAllText(Path.Combine(s_home, "notebooks", "README.md")),
            $@"(?m)^\| {number} \| .* \| (?<read>\d+) min \|(?: (?<train>\d+) min[^|]*|(?<words>[^|]*))\|$"
        );
        Assert.True(row.Success, $"notebooks/README.md has no row for {number}");
        return row;
    }

    // The exercises of the students' copy stand behind the notebook's own and are executed with them: what they are
    // asked about has run by then. A sweep is stopped twice before it runs to its end.
    [Theory, MemberData(nameof(Names)), Trait("speed", "slow")]
    public void RunsAtSmokeAndItsExercisesAreOpenUntilSolved(string name)
    {
        Assert.SkipUnless(File.Exists(Desk.Kernel), "bin/csnotebook is built by environment/setup.sh");
        string copy = desk.Path("copy-" + name),
            both = desk.Path("both-" + name),
            saved = desk.Path("saved-" + name),
            page = desk.Path(name + ".html");
        Assert.Equal(0, desk.Run("release", desk.Path(name), "--out", copy).Code);
        Assert.DoesNotContain("SOLUTION", File.ReadAllText(copy));
        Assert.DoesNotContain("marked lines", File.ReadAllText(copy));
        Assert.DoesNotContain("csnotebook release", File.ReadAllText(copy));

        SavedNotebook.AppendExercises(desk.Path(name), copy, both);
        StopSweep(both);
        long start = Stopwatch.GetTimestamp();
        var run = desk.Run("run", both, "--set", "scale=smoke", "--out", saved, "--html", page, "--allow-errors");
        output.WriteLine($"{name}: {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s");
        Assert.True(run.Code == 0, run.Errors);
        Assert.Matches("<svg|<img", File.ReadAllText(page));
        var notebook = SavedNotebook.Load(saved);
        Assert.Contains(notebook.Cells, cell => cell.HasFigure);
        int exercises = Checks(notebook).Count() / 2;
        ChartsTheMeansOfTheReport(name, notebook);
        var own = notebook
            .Cells.TakeWhile(cell => !cell.Tags.Contains("copy"))
            .Where(cell => !cell.Tags.Contains(Stopped));
        Assert.Empty(own.SelectMany(cell => cell.Errors.Select(error => $"{cell.Source}\n{error}")));
        Assert.All(Checks(notebook).Take(exercises), check => Assert.Contains(": right.", check.Text));
        Assert.All(Checks(notebook).Skip(exercises), check => Assert.Contains(": not yet.", check.Text));
    }

    // The same copy from its first cell on, as students run it.
    [Theory, MemberData(nameof(Names)), Trait("speed", "slow")]
    public void TheStudentsCopyRunsByItself(string name)
    {
        Everything.OrSkip();
        string copy = desk.Path("copy-" + name),
            tried = desk.Path("tried-" + name);
        Assert.Equal(0, desk.Run("release", desk.Path(name), "--out", copy).Code);
        desk.Run("run", copy, "--set", "scale=smoke", "--out", tried, "--allow-errors");
        Assert.All(Checks(SavedNotebook.Load(tried)), check => Assert.Contains(": not yet.", check.Text));
    }

    private static IEnumerable<SavedNotebook.Cell> Checks(SavedNotebook notebook) =>
        notebook.Code.Where(cell => cell.Tags.Contains("check"));

    [GeneratedRegex("<!-- BEGIN SOLUTION -->.*?<!-- END SOLUTION -->", RegexOptions.Singleline)]
    private static partial Regex Instructors();

    [GeneratedRegex(@"\]\(([^)#:]+\.(?:ipynb|md))\)")]
    private static partial Regex Links();

    /// <summary>
    /// A folder of its own for the series, so that neither the tree nor anybody's cache of runs is touched: notebooks
    /// look for ../bin, ../tests and recorded/, and write ../runs and ../out.
    /// </summary>
    public sealed class Desk : IDisposable
    {
        private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("patchkit-notebooks-");

        public Desk()
        {
            foreach (string folder in new[] { "bin", "tests" })
                Directory.CreateSymbolicLink(
                    System.IO.Path.Combine(_root.FullName, folder),
                    System.IO.Path.Combine(s_home, folder)
                );
            Directory.CreateDirectory(System.IO.Path.Combine(_root.FullName, "notebooks"));
            Directory.CreateSymbolicLink(Path("recorded"), System.IO.Path.Combine(s_home, "notebooks", "recorded"));
            foreach (string file in Directory.EnumerateFiles(System.IO.Path.Combine(s_home, "notebooks"), "*.ipynb"))
                File.Copy(file, Path(System.IO.Path.GetFileName(file)));
        }

        internal static string Kernel => System.IO.Path.Combine(s_home, "bin", "csnotebook");

        internal string Path(string name) => System.IO.Path.Combine(_root.FullName, "notebooks", name);

        internal CommandRun Run(params string[] arguments)
        {
            using var process = Process.Start(
                new ProcessStartInfo(Kernel, arguments) { RedirectStandardOutput = true, RedirectStandardError = true }
            )!;
            var (written, complained) = (
                process.StandardOutput.ReadToEndAsync(),
                process.StandardError.ReadToEndAsync()
            );
            process.WaitForExit();
            return new CommandRun(process.ExitCode, written.Result, complained.Result);
        }

        public void Dispose() => _root.Delete(recursive: true);
    }
}
