using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using PatchKit.Experiments.Planning;
using PatchKit.Experiments.Reports;
using PatchKit.Experiments.Sweeps;
using PatchKit.Training;
using PatchKit.Training.Runs;

namespace PatchKit.Experiments.Recording;

/// <summary>
/// A finished experiment as it is kept in notebooks/recorded: every run with its configuration and the numbers of each
/// epoch, what was measured, and the report. <see cref="Recorder"/> makes one of a store's runs; nothing in it is
/// written by hand.
/// </summary>
public sealed record RecordedResult
{
    /// <summary>The format that this program writes and reads.</summary>
    public const string CurrentFormat = "PatchKit recorded result 1";

    // As runs are written, but one to a line.
    private static readonly JsonSerializerOptions s_lines = new(RunConfig.Json)
    {
        WriteIndented = false,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>What the file says it is.</summary>
    public required string Format { get; init; }

    /// <summary>The experiment's name, such as "table1".</summary>
    public required string Experiment { get; init; }

    /// <summary>How large it was run.</summary>
    public required Scale Scale { get; init; }

    /// <summary>The multiple of the scale's training steps.</summary>
    public required double Budget { get; init; }

    /// <summary>The machine that the runs were trained on, or that was measured.</summary>
    public required Machine Machine { get; init; }

    /// <summary>The report, made from the runs when they were recorded; its date is the last run's.</summary>
    public required Report Report { get; init; }

    /// <summary>The runs, in the order of the experiment's grid; none where it only measures.</summary>
    public required IReadOnlyList<RecordedRun> Runs { get; init; }

    /// <summary>The training steps that were measured; none where it trains.</summary>
    public required IReadOnlyList<StepCost> Measurements { get; init; }

    /// <summary>The results of the runs.</summary>
    [JsonIgnore]
    public IReadOnlyList<RunResult> Results => [.. Runs.Select(run => run.Result)];

    /// <summary>
    /// The classification runs as one sweep over patch sizes for each family and input size, by names such as "ViT at
    /// 32x32". A grid begins with its curves; runs at other training budgets are left out.
    /// </summary>
    [JsonIgnore]
    public IReadOnlyDictionary<string, PatchSummary> Sweeps =>
        Results
            .Where(run => run.Steps == Results[0].Steps)
            .GroupBy(run => $"{run.Config.Family} at {run.Config.Model.Height}x{run.Config.Model.Width}")
            .ToDictionary(group => group.Key, group => new PatchSummary([.. group]));

    /// <summary>
    /// What a legend calls it: "recorded at teach on 2 CPU cores (AMD EPYC)", with real images' name and another budget
    /// where it has them.
    /// </summary>
    [JsonIgnore]
    public string Name =>
        $"recorded at {Scale.Name()} on {(Machine.Device == "cpu" ? Cores(Machine) : Kind(Machine))}"
        + $"{(IsGenerated ? "" : $", {Images(this)}")}{Steps}";

    /// <summary>
    /// What was trained or measured on: "CIFAR-10, 32x32 pixels", without the size where there are several.
    /// </summary>
    [JsonIgnore]
    public string Data =>
        Results.Select(run => run.Config.Data.Title).Distinct().ToList() switch
        {
            [] => Report.Data,
            [var only] => only,
            _ => Images(this),
        };

    /// <summary>Whether its images were made by PatchKit.</summary>
    [JsonIgnore]
    public bool IsGenerated => Runs.Count == 0 || Results[0].Config.Data is GeneratedDataConfig;

    /// <summary>The seeds of its runs, such as "10, 11, 12"; empty where it has measurements alone.</summary>
    [JsonIgnore]
    public string Seeds => string.Join(", ", Results.Select(run => run.Config.Seed).Distinct().Order());

    /// <summary>Where it comes from, in a line: scale, images, machine, libtorch, dates, commits, seeds.</summary>
    [JsonIgnore]
    public string Origin
    {
        get
        {
            var commits = Runs.Count > 0 ? Results.Select(run => run.Commit) : Measurements.Select(cost => cost.Commit);
            var dates = (Runs.Count > 0 ? Results.Select(run => run.Date) : Measurements.Select(cost => cost.Date))
                .Select(date => date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture))
                .Order()
                .ToList();
            string what = Runs.Count > 0 ? $"{Runs.Count} runs, seeds {Seeds}" : $"{Measurements.Count} measurements";
            return $"{Experiment} at {Scale.Name()}{Steps}, {Data}: {what}; {Machine.Hardware}, "
                + $"{Kind(Machine)}, libtorch {Machine.Libtorch}; "
                + $"{(dates[0] == dates[^1] ? dates[0] : $"{dates[0]} to {dates[^1]}")}, "
                + $"{(commits.Distinct().Count() == 1 ? "commit" : "commits")} "
                + $"{string.Join(", ", commits.Distinct().Order())}";
        }
    }

    /// <summary>How the verdicts stand: "2 shown, 1 not shown".</summary>
    [JsonIgnore]
    public string Headline =>
        string.Join(
            ", ",
            Report
                .Verdicts.GroupBy(verdict => verdict.Word)
                .OrderBy(same => same.First().Outcome)
                .Select(same => $"{same.Count()} {same.Key}")
        );

    /// <summary>
    /// The name of its file: experiment, scale, images and machine, so that results of two scales, sets or machines
    /// never take each other's place.
    /// </summary>
    [JsonIgnore]
    public string FileName =>
        $"{Experiment}-{Scale.Name()}-{Slug(Images(this))}-"
        + $"{Slug(Machine.Device == "cpu" ? $"cpu {Machine.Processor}" : Kind(Machine))}"
        + $"{(Budget == 1 ? "" : $"-budget-{Slug(Budget.ToString(CultureInfo.InvariantCulture))}")}.json";

    /// <summary>The result in a file.</summary>
    /// <exception cref="IOException">The file cannot be read, is damaged, or was not written by
    /// `patchkit record`.</exception>
    public static RecordedResult Load(string path)
    {
        try
        {
            var result =
                JsonSerializer.Deserialize<RecordedResult>(File.ReadAllBytes(path), RunConfig.Json)
                ?? throw new JsonException("it holds nothing");
            if (result.Format != CurrentFormat)
                throw new JsonException(
                    $"it calls itself \"{result.Format}\", and this program reads \"{CurrentFormat}\""
                );
            if (result.Runs.Count == 0 && result.Measurements.Count == 0)
                throw new JsonException("it holds neither runs nor measurements");
            foreach (var (run, epochs, _) in result.Runs)
            foreach (var numbers in new[] { epochs.Loss, epochs.LearningRate, epochs.GradientNorm })
                if (numbers.Count != run.Config.Recipe.Epochs)
                    throw new JsonException(
                        $"run {run.Key} was trained for {run.Config.Recipe.Epochs} epochs, "
                            + $"and {numbers.Count} are recorded"
                    );
            return result;
        }
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            throw new IOException(
                $"{path} is not a whole recorded result ({e.Message.TrimEnd('.')}); take it out of the "
                    + "folder, or let `patchkit record` write it anew.",
                e
            );
        }
    }

    /// <summary>
    /// Writes it into a folder, in place of an older result of the same experiment, scale, images and machine.
    /// </summary>
    /// <returns>the path.</returns>
    /// <exception cref="IOException">The folder cannot be written to; a file that was there is as it was.</exception>
    public string Save(string folder)
    {
        string path = Path.Combine(Directory.CreateDirectory(folder).FullName, FileName),
            partial = path + ".partial";
        File.WriteAllText(partial, ToJson());
        File.Move(partial, path, overwrite: true);
        return path;
    }

    /// <summary>The result as its file has it: a line for each run, and the same text for the same result.</summary>
    public string ToJson()
    {
        var root = JsonSerializer.SerializeToNode(this, s_lines)!.AsObject();
        foreach (var run in root["runs"]!.AsArray())
            LeaveOutFolders(run!["result"]!["config"]!.AsObject());
        var text = new StringBuilder("{\n");
        foreach (var (i, (name, value)) in root.Index())
        {
            text.Append(i == 0 ? "" : ",\n").Append($"\"{name}\": ");
            if (value is JsonArray { Count: > 0 } list)
                text.Append("[\n").AppendJoin(",\n", list.Select(item => item!.ToJsonString(s_lines))).Append("\n]");
            else
                text.Append(value!.ToJsonString(s_lines));
        }
        return text.Append("\n}\n").ToString();
    }

    /// <summary>What computed: "cpu", or "NVIDIA H200" of "cuda (NVIDIA H200)".</summary>
    internal static string Kind(Machine machine) =>
        machine.Device.Split('(', ')') is [_, var name, ..] ? name : machine.Device;

    private static string Cores(Machine machine) =>
        $"{machine.Threads} CPU {(machine.Threads == 1 ? "core" : "cores")} ({machine.Processor})";

    // "CIFAR-10" of "CIFAR-10, 32x32 pixels".
    private static string Images(RecordedResult result) =>
        (result.Runs.Count > 0 ? result.Results[0].Config.Data.Title : result.Report.Data).Split(',')[0];

    private string Steps =>
        Budget == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $", {Budget:0.##} times the steps");

    // Where images lay matters to nobody else, and a key does not depend on it.
    private static void LeaveOutFolders(JsonObject config)
    {
        if (config["data"]!["folder"] is not null)
            config["data"]!["folder"] = "";
        if (config["startsFrom"] is JsonObject earlier)
            LeaveOutFolders(earlier);
    }

    private static string Slug(string text) =>
        string.Join(
            '-',
            new string([
                .. text.ToLowerInvariant().Select(letter => char.IsAsciiLetterOrDigit(letter) ? letter : ' '),
            ]).Split(' ', StringSplitOptions.RemoveEmptyEntries)
        );
}
