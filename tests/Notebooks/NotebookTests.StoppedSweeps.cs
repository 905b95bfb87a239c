using System.Text.Json.Nodes;
using Xunit;

namespace PatchKit.Tests.Notebooks;

// A sweep's cell that is stopped and run again, twice: the chart has each run once, as the report has.
public sealed partial class NotebookTests
{
    private const string Watches = "Finished = (result, cached) =>",
        Begins = ".Showing(display(\"\").Update)",
        Stopped = "stopped",
        Compares = "compares";

    // The chart's values; what the report's tables say; how often each run is there. A function, as what a cell names
    // is there for the cells behind it.
    private const string Compared = """
        new Func<string>(() =>
        {
            IEnumerable<double> Values(object mark) => mark switch
            {
                Series line => line.Y,
                HeatMap map => map.Values.Cast<double>(),
                _ => [],
            };
            var numbers = from table in report.Tables
                          from cell in table.Rows.SelectMany(row => row)
                          from System.Text.RegularExpressions.Match number
                              in System.Text.RegularExpressions.Regex.Matches(cell, @"\d+\.\d+")
                          select number.Value;
            bool Told(double value) => numbers.Any(number => number == value.ToString(
                "F" + (number.Length - number.IndexOf('.') - 1), System.Globalization.CultureInfo.InvariantCulture));
            var marks = SoFar().Panels.SelectMany(panel => panel.Marks);
            var charted = marks.SelectMany(Values).Where(double.IsFinite).ToList();
            var untold = charted.Where(value => !Told(value)).ToList();
            int twice = results.Count - results.Select(result => result.Key).Distinct().Count();
            bool all = results.Count == report.Runs.Count;
            return $"{charted.Count > 0}, not in the report: [{string.Join(", ", untold)}], twice: {twice}, all: {all}";
        })()
        """;

    [Fact]
    public void EightNotebooksHaveASweep() => Assert.Equal(8, Names.Count(row => HasSweep(row.Data)));

    private static bool HasSweep(string name) =>
        SavedNotebook.Load(Path.Combine(Folder, name)).Code.Any(cell => cell.Source.Contains(Begins));

    // Where a notebook has a sweep: its cell twice so that it stops, then as it is, then what compares.
    private static void StopSweep(string path)
    {
        var notebook = JsonNode.Parse(File.ReadAllText(path))!;
        var cells = notebook["cells"]!.AsArray();
        int at = cells.ToList().FindIndex(cell => Source(cell!).Contains(Begins));
        if (at < 0)
            return;
        var sweep = cells[at]!;
        cells.Insert(at + 1, Code(sweep, Compared, Compares));
        cells.Insert(at, Code(sweep, Stopping(Source(sweep), after: 2), Stopped));
        cells.Insert(at, Code(sweep, Stopping(Source(sweep), after: 1), Stopped));
        File.WriteAllText(path, notebook.ToJsonString());
    }

    private static void ChartsTheMeansOfTheReport(string name, SavedNotebook ran)
    {
        if (!HasSweep(name))
            return;
        var stopped = ran.Code.Where(cell => cell.Tags.Contains(Stopped)).ToList();
        Assert.Equal(2, stopped.Count);
        Assert.All(stopped, cell => Assert.Equal(["stopped here"], cell.Errors));
        var compared = Assert.Single(ran.Code, cell => cell.Tags.Contains(Compares));
        Assert.Empty(compared.Errors);
        Assert.Equal("True, not in the report: [], twice: 0, all: True", compared.Text);
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

    private static string Source(JsonNode cell) =>
        string.Concat(cell["source"] is JsonArray lines ? lines.Select(line => $"{line}") : [$"{cell["source"]}"]);

    private static JsonNode Code(JsonNode cell, string source, string tag)
    {
        var code = cell.DeepClone();
        code["source"] = source;
        code["id"] = Guid.NewGuid().ToString("N")[..8];
        code["metadata"]!["tags"] = new JsonArray(tag);
        return code;
    }
}
