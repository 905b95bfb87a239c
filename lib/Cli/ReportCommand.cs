using System.CommandLine;
using PatchKit.Experiments;
using PatchKit.Experiments.Reports;
using PatchKit.Experiments.Verdicts;
using PatchKit.Torch;
using PatchKit.Training.Runs;

namespace PatchKit.Cli;

/// <summary>`patchkit report NAME`: what the last report of an experiment said, in a line for each claim.</summary>
internal static class ReportCommand
{
    internal static Command Create()
    {
        var name = new Argument<string>("name") { Description = "the experiment, such as table1 (patchkit list)" };
        var scale = new Option<Scale?>("--scale")
        {
            Description = $"{ScaleNames.Choices}; the newest if none is named",
        };
        var output = new Option<string?>("--out") { Description = "where runs are kept (default: runs)" };
        var whole = new Option<bool>("--whole") { Description = "print the whole report, in Markdown" };
        var command = new Command(
            "report",
            "Say again what an experiment's last report said: a line for each claim of the paper."
        )
        {
            name,
            scale,
            output,
            whole,
        };
        command.SetAction(parsed =>
        {
            var report = Find(
                ExperimentBook.Find(parsed.GetValue(name)!),
                parsed.GetValue(scale),
                new RunStore(parsed.GetValue(output))
            );
            if (parsed.GetValue(whole))
                Console.Write(report.ToMarkdown());
            else
                Print(report);
        });
        return command;
    }

    private static Report Find(Experiment experiment, Scale? scale, RunStore store)
    {
        var scales = scale is { } one ? [one] : Enum.GetValues<Scale>();
        return scales
                .Where(each => File.Exists(FileOf(each)))
                .OrderByDescending(each => File.GetLastWriteTimeUtc(FileOf(each)))
                .Select(each => ExperimentRunner.LastReport(store, experiment.Name, each))
                .FirstOrDefault()
            ?? throw new ArgumentException(
                $"{store.Folder} has no report "
                    + $"of {experiment.Name}"
                    + $"{(scale is { } asked ? $" at {asked.Name()}" : "")} yet; "
                    + $"`patchkit run {experiment.Name}` makes one."
            );

        string FileOf(Scale each) => ExperimentRunner.ReportFile(store, experiment.Name, each);
    }

    private static void Print(Report report)
    {
        Console.WriteLine(
            $"{report.Title}; scale {report.Scale.Name()}, {report.Data}, " + $"{report.Date:yyyy-MM-dd}:"
        );
        ReportPrinter.Verdicts(report);
        if (VerdictRule.Earlier(report) is { } sentence)
            Console.WriteLine(sentence);
    }
}
