using PatchKit.Experiments;
using PatchKit.Experiments.Reports;
using PatchKit.Training.Runs;

namespace PatchKit.Cli;

/// <summary>Prints reports on standard output.</summary>
internal static class ReportPrinter
{
    /// <summary>Tables, figures and where they are kept, verdicts and caveats.</summary>
    internal static void Whole(Report report, RunStore store)
    {
        foreach (var table in report.Tables)
            Tables.Print(table.Title, table.Columns, table.Rows, [.. Enumerable.Range(1, table.Columns.Count - 1)]);
        foreach (var (figure, i) in report.Figures.Select((figure, i) => (figure, i)))
            Console.WriteLine(
                $"{figure}\n({ExperimentRunner.FigureFile(store, report.Experiment, report.Scale, i)})\n"
            );
        Verdicts(report);
        if (report.Caveats.Count > 0)
            Console.WriteLine("\nKeep in mind:");
        foreach (string caveat in report.Caveats)
            Console.WriteLine($"- {caveat}");
        Console.WriteLine($"\nThe folder {store.Folder} holds the files.");
    }

    /// <summary>A line for each verdict.</summary>
    internal static void Verdicts(Report report)
    {
        foreach (var verdict in report.Verdicts)
            Console.WriteLine($"* {verdict}");
    }
}
