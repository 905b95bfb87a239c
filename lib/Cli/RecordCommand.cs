using System.CommandLine;
using System.Globalization;
using PatchKit.Experiments;
using PatchKit.Experiments.Recording;
using PatchKit.Training.Runs;

namespace PatchKit.Cli;

/// <summary>`patchkit record NAME`: writes a finished experiment down where notebooks draw it from.</summary>
internal static class RecordCommand
{
    internal static Command Create()
    {
        var command = new Command(
            "record",
            "Record a finished table or figure for the notebooks: every run with its configuration, "
                + "machine, commit and the numbers of each epoch. Nothing is trained."
        );
        var choices = new ExperimentChoices(command, isOptional: true);
        var device = new Option<string?>("--device")
        {
            Description = "refuse runs that were trained on another kind of device: cpu or cuda",
        };
        device.AcceptOnlyFromAmong("cpu", "cuda");
        var runs = new Option<string?>("--runs") { Description = "where runs are kept (default: runs)" };
        var output = new Option<string?>("--out")
        {
            Description = "where recorded results are kept (default: notebooks/recorded)",
        };
        var list = new Option<bool>("--list") { Description = "list what is recorded" };
        foreach (var option in new Option[] { device, runs, output, list })
            command.Add(option);
        command.SetAction(parsed =>
        {
            string folder = parsed.GetValue(output) ?? RecordedResults.Nearby();
            if (parsed.GetValue(list))
                return List(folder);
            OutputPlace.Folder(folder, "--out");
            string name =
                choices.Name(parsed)
                ?? throw new ArgumentException(
                    "say which experiment to record, such as table1 (patchkit list), or --list to see what is recorded."
                );
            var result = new Recorder(new RunStore(parsed.GetValue(runs))).Make(
                ExperimentBook.Find(name),
                choices.Options(parsed)
            );
            if (parsed.GetValue(device) is { } kind && kind != result.Machine.Device.Split(' ')[0])
                throw new ArgumentException(
                    $"the runs of {name} were made on {result.Machine.Device}, not on {kind}; leave "
                        + $"--device out, or run the experiment with --device {kind}."
                );
            string path = result.Save(folder);
            Console.WriteLine($"{result.Origin}: {result.Headline}.\nRecorded in {path} ({Size(path)}).");
            return 0;
        });
        return command;
    }

    private static int List(string folder)
    {
        var (results, refused) = RecordedResults.In(folder);
        if (results.Count == 0)
            Console.WriteLine($"Nothing is recorded in {folder}; `patchkit record` records a finished experiment.");
        else
            Tables.Print(
                folder,
                [
                    "experiment",
                    "scale",
                    "images",
                    "machine",
                    "libtorch",
                    "seeds",
                    "runs",
                    "last run",
                    "claims",
                    "file",
                    "size",
                ],
                results.Select(result =>
                    (IReadOnlyList<string>)
                        [
                            result.Experiment,
                            result.Scale.Name(),
                            result.Data,
                            result.Machine.Device == "cpu"
                                ? result.Machine.Hardware
                                : RecordedResult.Kind(result.Machine),
                            result.Machine.Libtorch,
                            result.Seeds,
                            $"{result.Runs.Count}",
                            result.Report.Date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
                            result.Headline,
                            result.FileName,
                            Size(Path.Combine(folder, result.FileName)),
                        ]
                ),
                6,
                10
            );
        foreach (string sentence in refused)
            Console.Error.WriteLine($"patchkit: {sentence}");
        return refused.Count == 0 ? 0 : 1;
    }

    private static string Size(string path) =>
        File.Exists(path) ? string.Create(CultureInfo.InvariantCulture, $"{new FileInfo(path).Length / 1e3:0} kB") : "";
}
