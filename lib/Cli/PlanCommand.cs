using System.CommandLine;
using System.Text.Json;
using PatchKit.Experiments;
using PatchKit.Experiments.Planning;
using PatchKit.Experiments.Reports;
using PatchKit.ScalingLaws;
using PatchKit.Training;
using PatchKit.Training.Runs;

namespace PatchKit.Cli;

/// <summary>
/// `patchkit plan NAME`: what an experiment takes on GPUs, before anything is trained and without any data.
/// </summary>
internal static class PlanCommand
{
    internal static Command Create()
    {
        var command = new Command(
            "plan",
            "Plan a table or figure of the paper for GPUs: runs, memory per GPU, hours, and the fewest "
                + "parts of a batch that fit. Needs no data and no GPU."
        );
        var choices = new ExperimentChoices(
            command,
            usual: Scale.Paper,
            orData: $", or a set by its published size ({string.Join(", ", PublishedData.Names)}),"
        );
        var gpu = new Option<string>("--gpu")
        {
            Description = $"the kind of GPU: {string.Join(", ", GpuKind.All.Select(kind => kind.Name))}",
            DefaultValueFactory = _ => "a100",
        };
        var gpus = new Option<int>("--gpus") { Description = "how many", DefaultValueFactory = _ => 1 };
        var accumulate = new Option<int?>("--accumulate")
        {
            Description = "parts that each GPU trains its share of a batch in (default: the fewest that fit)",
        };
        var output = new Option<string?>("--out")
        {
            Description = "where runs are kept, and with them the steps that table6 has timed (default: runs)",
        };
        var json = new Option<bool>("--json") { Description = "print the plan as JSON" };
        foreach (var option in new Option[] { gpu, gpus, accumulate, output, json })
            command.Add(option);
        command.SetAction(parsed =>
        {
            var chosen = choices.Options(parsed);
            var options = chosen with
            {
                SizesOnly = true,
                Data = Known(chosen.Data),
                Pretraining = Known(chosen.Pretraining),
            };
            var plan = Plan.Of(
                ExperimentBook.Find(choices.Name(parsed)!),
                options,
                new PlanOptions(Gpu(parsed.GetValue(gpu)!), parsed.GetValue(gpus))
                {
                    Accumulation = parsed.GetValue(accumulate),
                    Measurements = Path.Combine(new RunStore(parsed.GetValue(output)).Folder, "measurements"),
                }
            );
            if (parsed.GetValue(json))
                Console.WriteLine(JsonSerializer.Serialize(plan, s_json));
            else
                Print(plan);
        });
        return command;
    }

    // Counts and totals of a plan are computed, and wanted all the same.
    private static readonly JsonSerializerOptions s_json = new(RunConfig.Json) { IgnoreReadOnlyProperties = false };

    private static void Print(Plan plan)
    {
        if (plan.Runs.Count == 0)
        {
            Console.WriteLine(plan.Nothing);
            return;
        }
        var table = plan.ToTable();
        Tables.Print(table.Title, table.Columns, table.Rows, [.. Enumerable.Range(1, table.Columns.Count - 1)]);
        foreach (string note in plan.Notes)
            Console.WriteLine($"- {note}");
        Console.WriteLine(
            $"- {plan.Parts} part{(plan.Parts == 1 ? "" : "s")} of the grid can be trained apart from each "
                + $"other: `patchkit run {plan.Experiment} --only 1/{plan.Parts}` (environment/slurm/)."
        );
    }

    private static GpuKind Gpu(string name) =>
        GpuKind.All.FirstOrDefault(kind => kind.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
        ?? throw new ArgumentException(
            $"there is no GPU \"{name}\" in the catalogue; did you "
                + $"mean {NearestName.Of(name, GpuKind.All.Select(kind => kind.Name))}? There "
                + $"are {string.Join(", ", GpuKind.All.Select(kind => kind.Name))}."
        );

    private static string? Known(string? data) =>
        data is null || PublishedData.Names.Contains(data) || Path.Exists(data)
            ? data
            : throw new ArgumentException(
                $"\"{data}\" is neither a folder nor a set of published size; did you "
                    + $"mean {NearestName.Of(data, PublishedData.Names)}? There "
                    + $"are {string.Join(", ", PublishedData.Names)}."
            );
}
