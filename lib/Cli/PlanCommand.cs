using System.CommandLine;
using System.Text.Json;
using PatchKit.Experiments;
using PatchKit.ScalingLaws;
using PatchKit.Training;

namespace PatchKit.Cli;

/// <summary>`patchkit plan NAME`: what an experiment takes on GPUs, before anything is trained and without any data.</summary>
internal static class PlanCommand
{
    internal static Command Create()
    {
        var name = new Argument<string>("name") { Description = "the experiment, such as table1 (patchkit list)" };
        var gpu = new Option<string>("--gpu") { Description = $"the kind of GPU: {string.Join(", ", GpuKind.All.Select(kind => kind.Name))}", DefaultValueFactory = _ => "a100" };
        var gpus = new Option<int>("--gpus") { Description = "how many", DefaultValueFactory = _ => 1 };
        var scale = new Option<Scale>("--scale") { Description = "smoke, teach, gpu or paper", DefaultValueFactory = _ => Scale.Paper };
        var seeds = new Option<int?>("--seeds") { Description = "how many seeds" };
        var data = new Option<string?>("--data") { Description = $"a folder of real images, or a set by its published size: {string.Join(", ", PublishedData.Names)} (default: the experiment's own)" };
        var pretraining = new Option<string?>("--pretraining") { Description = "the same for what backbones of table2, table3, figure1d to f and figure2 are trained on first" };
        var pixels = new Option<bool>("--pixels") { Description = "p = 1 too, where the scale leaves it out" };
        var budget = new Option<double>("--budget") { Description = "a multiple of the scale's training steps", DefaultValueFactory = _ => 1 };
        var accumulate = new Option<int?>("--accumulate") { Description = "parts that each GPU trains its share of a batch in (default: the fewest that fit)" };
        var output = new Option<string?>("--out") { Description = "where runs are kept, and with them the steps that table6 has timed (default: runs)" };
        var json = new Option<bool>("--json") { Description = "print the plan as JSON" };
        var command = new Command("plan", "Plan a table or figure of the paper for GPUs: runs, memory per GPU, hours, and the fewest parts of a batch that fit. Needs no data and no GPU.")
        {
            name, gpu, gpus, scale, seeds, data, pretraining, pixels, budget, accumulate, output, json,
        };
        command.SetAction(parsed =>
        {
            int? count = parsed.GetValue(seeds);
            if (count < 1) throw new ArgumentException($"{count} seeds measure nothing; use 1 or more.");
            var options = new ExperimentOptions
            {
                SizesOnly = true, Scale = parsed.GetValue(scale), Seeds = count, Data = Known(parsed.GetValue(data)), Pretraining = Known(parsed.GetValue(pretraining)), Pixels = parsed.GetValue(pixels), Budget = parsed.GetValue(budget),
            };
            var plan = Plan.Of(ExperimentBook.Find(parsed.GetValue(name)!), options, new PlanOptions(Gpu(parsed.GetValue(gpu)!), parsed.GetValue(gpus))
            {
                Accumulation = parsed.GetValue(accumulate), Measurements = Path.Combine(new RunStore(parsed.GetValue(output)).Folder, "measurements"),
            });
            if (parsed.GetValue(json)) Console.WriteLine(JsonSerializer.Serialize(plan, s_json));
            else Print(plan);
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
        foreach (string note in plan.Notes) Console.WriteLine($"- {note}");
        Console.WriteLine($"- {plan.Parts} part{(plan.Parts == 1 ? "" : "s")} of the grid can be trained apart from each other: `patchkit run {plan.Experiment} --only 1/{plan.Parts}` (environment/slurm/).");
    }

    private static GpuKind Gpu(string name) => GpuKind.All.FirstOrDefault(kind => kind.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
        ?? throw new ArgumentException($"there is no GPU \"{name}\" in the catalogue; did you mean {NearestName.Of(name, GpuKind.All.Select(kind => kind.Name))}? There are {string.Join(", ", GpuKind.All.Select(kind => kind.Name))}.");

    private static string? Known(string? data) => data is null || PublishedData.Names.Contains(data) || Path.Exists(data) ? data
        : throw new ArgumentException($"\"{data}\" is neither a folder nor a set of published size; did you mean {NearestName.Of(data, PublishedData.Names)}? There are {string.Join(", ", PublishedData.Names)}.");
}
