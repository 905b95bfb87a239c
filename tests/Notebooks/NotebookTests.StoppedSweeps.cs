using System.Text.Json.Nodes;
using Xunit;

namespace PatchKit.Tests.Notebooks;

// A sweep's cell that is stopped and run again, twice: the chart has each run once, as the report has. Beside the other
// tests of notebooks, whose runs it finds trained.
public sealed partial class NotebookTests
{
    private const string Watches = "Finished = (result, cached) =>",
        Begins = ".Showing(display(\"\").Update)";

    // The chart's values; what the report's tables say; how often each run is there.
    private const string Compared = """
        using System.Globalization;
        using System.Text.RegularExpressions;
        IEnumerable<double> Values(object mark) => mark switch
        {
            Series line => line.Y,
            HeatMap map => map.Values.Cast<double>(),
            _ => [],
        };
        bool Told(double value) => (from table in report.Tables
                                    from cell in table.Rows.SelectMany(row => row)
                                    from Match number in Regex.Matches(cell, @"\d+\.\d+")
                                    let digits = number.Value.Length - number.Value.IndexOf('.') - 1
                                    where number.Value == value.ToString("F" + digits, CultureInfo.InvariantCulture)
                                    select number).Any();
        var marks = SoFar().Panels.SelectMany(panel => panel.Marks);
        var charted = marks.SelectMany(Values).Where(double.IsFinite).ToList();
        var untold = charted.Where(value => !Told(value)).ToList();
        int twice = results.Count - results.Select(result => result.Key).Distinct().Count();
        bool all = results.Count == report.Runs.Count;
        $"{charted.Count > 0}, not in the report: [{string.Join(", ", untold)}], twice: {twice}, all: {all}"
        """;

    public static TheoryData<string> Sweeps =>
        [
            .. Names
                .Select(row => row.Data)
                .Where(name => Sources(Path.Combine(Folder, name)).Any(source => source.Contains(Begins))),
        ];

    [Fact]
    public void EightNotebooksHaveASweep() => Assert.Equal(8, Sweeps.Count);

    [Theory, MemberData(nameof(Sweeps)), Trait("speed", "slow")]
    public void AStoppedSweepThatRunsAgainChartsTheMeansOfTheReport(string name)
    {
        Assert.SkipUnless(File.Exists(Desk.Kernel), "bin/csnotebook is built by environment/setup.sh");
        string stopped = desk.Path("stopped-" + name),
            saved = desk.Path("saved-stopped-" + name);
        var notebook = JsonNode.Parse(File.ReadAllText(desk.Path(name)))!;
        var cells = notebook["cells"]!.AsArray();
        int sweep = cells.ToList().FindIndex(cell => Source(cell!).Contains(Begins));
        while (cells.Count > sweep + 1)
            cells.RemoveAt(sweep + 1);
        var whole = cells[sweep]!.DeepClone();
        cells[sweep] = Code(whole, Stopping(Source(whole), after: 1));
        cells.Add(Code(whole, Stopping(Source(whole), after: 2)));
        cells.Add(whole);
        cells.Add(Code(whole, Compared));
        File.WriteAllText(stopped, notebook.ToJsonString());

        desk.Run("run", stopped, "--set", "scale=smoke", "--out", saved, "--allow-errors");
        var ran = SavedNotebook.Load(saved).Code.ToList();
        Assert.Equal(["stopped here"], ran[^4].Errors);
        Assert.Equal(["stopped here"], ran[^3].Errors);
        Assert.Empty(ran[^2].Errors);
        Assert.Empty(ran[^1].Errors);
        Assert.Equal("True, not in the report: [], twice: 0, all: True", ran[^1].Text);
    }

    // What the stop button does between two runs: an exception out of the runner, whose results stay as they are.
    private static string Stopping(string source, int after)
    {
        Assert.Contains(Watches, source);
        return source
            .Replace(
                Watches,
                $"{Watches} {{ if (results.Count == {after}) throw new OperationCanceledException(\"stopped "
                    + "here\"); else "
            )
            .Replace("chart.Update(SoFar()) };", "chart.Update(SoFar()); } };");
    }

    private static IEnumerable<string> Sources(string path) =>
        JsonNode.Parse(File.ReadAllText(path))!["cells"]!.AsArray().Select(cell => Source(cell!));

    private static string Source(JsonNode cell) =>
        string.Concat(cell["source"] is JsonArray lines ? lines.Select(line => $"{line}") : [$"{cell["source"]}"]);

    private static JsonNode Code(JsonNode cell, string source)
    {
        var code = cell.DeepClone();
        code["source"] = source;
        code["id"] = Guid.NewGuid().ToString("N")[..8];
        return code;
    }
}
