using System.Globalization;
using System.Text.Json.Serialization;
using PatchKit.Display.Formatting;
using PatchKit.Experiments.Reports;
using PatchKit.Experiments.Sweeps;
using PatchKit.Experiments.Tables;
using PatchKit.ScalingLaws;
using PatchKit.Training;
using PatchKit.Training.Runs;

namespace PatchKit.Experiments.Planning;

/// <summary>
/// What an experiment takes on GPUs, before anything is trained: its runs, their memory and their hours.
/// </summary>
[TypeFormatterSource(typeof(FormatterSource<Plan>), PreferredMimeTypes = [Mime.Html, Mime.Markdown, Mime.Text])]
public sealed record Plan : IRendered
{
    private const double GB = 1e9;

    /// <summary>The experiment's name.</summary>
    public required string Experiment { get; init; }

    /// <summary>What it reproduces.</summary>
    public required string Title { get; init; }

    /// <summary>The scale.</summary>
    public required Scale Scale { get; init; }

    /// <summary>The kind of GPU.</summary>
    public required GpuKind Gpu { get; init; }

    /// <summary>How many.</summary>
    public required int Gpus { get; init; }

    /// <summary>Bytes of a GPU that training may take.</summary>
    public required long Room { get; init; }

    /// <summary>
    /// The runs, those that others start from before them; runs that differ in their seed alone are one.
    /// </summary>
    public required IReadOnlyList<PlannedRun> Runs { get; init; }

    /// <summary>Parts of the grid that can be trained apart from each other: `patchkit run --only 1/n`.</summary>
    public required int Parts { get; init; }

    /// <summary>On what it rests.</summary>
    public required IReadOnlyList<string> Basis { get; init; }

    /// <summary>Runs, seeds counted.</summary>
    public int RunCount => Runs.Sum(run => run.Seeds);

    /// <summary>Hours of one GPU, over all runs.</summary>
    public double GpuHours => Runs.Sum(run => run.Seeds * run.GpuHours);

    /// <summary>The same at the GPU's peak.</summary>
    public double PeakGpuHours => Runs.Sum(run => run.Seeds * run.PeakGpuHours);

    /// <summary>Hours on all GPUs, one run after the other.</summary>
    public double WallHours => Runs.Sum(run => run.Seeds * run.WallHours);

    /// <summary>Plans an experiment.</summary>
    /// <param name="experiment">which.</param>
    /// <param name="chosen">scale, seeds and data. With <see cref="ExperimentOptions.SizesOnly"/>, data that is not
    /// named is the paper's at the scale `paper`, and CIFAR-10, ADE20K or COCO at `gpu`.</param>
    /// <param name="options">what it is planned for.</param>
    /// <exception cref="ArgumentException">The experiment has no such grid; or a batch cannot be laid out as asked
    /// for.</exception>
    public static Plan Of(Experiment experiment, ExperimentOptions chosen, PlanOptions options)
    {
        chosen = WithData(experiment, chosen);
        var grid = experiment.Grid(chosen);
        var ofGrid = grid.Select(config => config.Key).ToHashSet();
        var rates = PlanRates.In(options.Gpu, options.Measurements);
        var all = grid.SelectMany(Chain).DistinctBy(config => config.Key).ToList();
        return new Plan
        {
            Experiment = experiment.Name,
            Title = experiment.Title,
            Scale = chosen.Scale,
            Gpu = options.Gpu,
            Gpus = options.Gpus,
            Room = options.Room(options.Gpu),
            Parts = GridPart.Count(grid),
            Runs =
            [
                .. all.GroupBy(config => WithoutSeed(config).Key)
                    .Select(alike =>
                        PlannedRun.Of(alike.First(), !ofGrid.Contains(alike.First().Key), alike.Count(), options, rates)
                    ),
            ],
            Basis = all.Count == 0 ? [] : [.. rates.Basis, .. Remarks(options)],
        };
    }

    /// <summary>What there is to know beside the table, in sentences.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> Notes =>
        [
            .. Runs.Where(run => !run.Fit.Fits).Select(Lacking),
            .. Runs.Any(run => run.IsBound)
                ?
                [
                    "\u2265: a narrower model or a shorter sequence than was timed, which uses a GPU less; "
                        + "where calls cost as much as arithmetic, much less. `patchkit run table6 --scale "
                        + "gpu --device cuda` times DeiT-Base and Adventurer-Base on the GPU at hand.",
                ]
                : Array.Empty<string>(),
            .. Runs.Any(run => run.HasHead)
                ? ["Decoders and detectors count at their backbone's rate, images of several sizes as the largest."]
                : Array.Empty<string>(),
            .. Basis,
        ];

    /// <summary>The runs as a table.</summary>
    public ReportTable ToTable() =>
        new(
            $"{Title}, scale {Scale.Name()}: {Gpus} x {Gpu.Title}",
            [
                "run",
                "runs",
                "tokens",
                "steps",
                "batch",
                "images at a time x parts, per GPU",
                "GB per GPU",
                "GB with 1 image, recomputed",
                "GPU time, h",
                "at peak",
                "wall time, h",
            ],
            [.. Runs.Select(Row), Total()]
        );

    /// <summary>The plan in Markdown.</summary>
    public string ToMarkdown() =>
        Runs.Count == 0
            ? $"{Nothing}\n"
            : $"{ToTable().ToMarkdown()}\n\n{string.Join('\n', Notes.Select(note => $"- {note}"))}\n";

    /// <inheritdoc/>
    public string Render(string mimeType) =>
        mimeType switch
        {
            Mime.Html => Runs.Count == 0 ? new Markup().Add($"<p>{Nothing}</p>").ToString() : ToHtml(),
            Mime.Markdown => ToMarkdown(),
            Mime.Text => ToString(),
            _ => throw Mime.Unknown(this, mimeType),
        };

    /// <summary>The plan as text.</summary>
    public override string ToString() =>
        Runs.Count == 0 ? Nothing : $"{ToTable()}\n\n{string.Join('\n', Notes.Select(note => $"- {note}"))}";

    /// <summary>What is said of an experiment without runs.</summary>
    [JsonIgnore]
    public string Nothing =>
        $"{Title}: trains nothing at scale {Scale.Name()}; `patchkit " + $"run {Experiment}` measures or compares.";

    private string ToHtml()
    {
        var html = new Markup().Raw(ToTable().Render(Mime.Html)).Raw("<ul style='font-size:90%;opacity:0.8'>");
        foreach (string note in Notes)
            html.Add($"<li>{note}</li>");
        return html.Raw("</ul>").ToString();
    }

    private static IReadOnlyList<string> Row(PlannedRun run) =>
        [
            run.Name,
            $"{run.Seeds}",
            Whole(run.Tokens),
            Whole(run.Steps),
            Whole(run.Batch),
            run.Fit.Fits ? $"{run.Fit.Images} x {run.Fit.Parts}" : "does not fit",
            Gigabytes(run.Fit.Bytes),
            Gigabytes(run.CheckpointedBytes),
            Bound(run) + Hours(run.GpuHours),
            Hours(run.PeakGpuHours),
            Bound(run) + Hours(run.WallHours),
        ];

    private IReadOnlyList<string> Total() =>
        [
            "all, one after the other",
            $"{RunCount}",
            "",
            "",
            "",
            "",
            Gigabytes(Runs.Max(run => run.Fit.Bytes)),
            "",
            (Runs.Any(run => run.IsBound) ? "\u2265 " : "") + Hours(GpuHours),
            Hours(PeakGpuHours),
            (Runs.Any(run => run.IsBound) ? "\u2265 " : "") + Hours(WallHours),
        ];

    private string Lacking(PlannedRun run)
    {
        long over = run.Fit.Bytes - Room,
            alone = run.Memory.Bytes(1);
        string here =
            $"{run.Name}: {run.Fit.Images} image{(run.Fit.Images == 1 ? "" : "s")} at a time "
            + $"take{(run.Fit.Images == 1 ? "s" : "")} {Gigabytes(run.Fit.Bytes)} GB, {Gigabytes(over)} "
            + $"GB more than the {Gigabytes(Room)} GB of a GPU that training may take";
        if (alone <= Room)
            return $"{here}; let more parts be taken, without --accumulate as few as fit.";
        string recomputed =
            run.CheckpointedBytes <= Room
                ? "; with blocks recomputed in the backward pass (BackboneConfig.Checkpointing) one image "
                    + $"takes {Gigabytes(run.CheckpointedBytes)} GB"
                : "";
        string larger = run.NeededGpu is { } name ? $"{GpuKind.Find(name).Title} ({name})" : "no GPU of the catalogue";
        return $"{here}; {larger} holds one{recomputed}.";
    }

    private static IEnumerable<string> Remarks(PlanOptions options)
    {
        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"At the GPU's peak is what no training reaches. Reading images, "
                + $"evaluation{(options.Gpus > 1 ? ", the exchange of gradients" : "")} and checkpoints come on top."
        );
        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"Memory: weights, gradients and AdamW's moments in "
                + $"float32{(options.Gpus > 1 ? ", buffers for the exchange of gradients" : "")}, the "
                + $"recipe's moving average, bfloat16 copies of the weights, and activations under "
                + $"bfloat16 autocast by the cost model, which "
                + $"gives {PlanMemory.PaperRatio.Least:0.00} to {PlanMemory.PaperRatio.Most:0.00} "
                + $"of the bytes per image that Table 6 has of DeiT-Base (of Adventurer it "
                + $"has none); {100 * options.Reserve:0} % of the GPU's memory is kept in "
                + $"reserve. Sets of small images, of up to 8 GiB, lie on the GPU besides."
        );
    }

    private static string Bound(PlannedRun run) => run.IsBound ? "\u2265 " : "";

    private static string Whole(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    private static string Gigabytes(long bytes) =>
        (bytes / GB).ToString(
            bytes < GB / 100 ? "0.0000"
                : bytes < GB ? "0.00"
                : "0.0",
            CultureInfo.InvariantCulture
        );

    private static string Hours(double hours) =>
        hours switch
        {
            < 1 / 60.0 => string.Create(CultureInfo.InvariantCulture, $"{3600 * hours:0.0} s"),
            < 1 => string.Create(CultureInfo.InvariantCulture, $"{60 * hours:0.0} min"),
            _ => hours.ToString(hours < 100 ? "0.0" : "N0", CultureInfo.InvariantCulture),
        };

    private static ExperimentOptions WithData(Experiment experiment, ExperimentOptions chosen)
    {
        if (!chosen.SizesOnly || chosen.Scale < Scale.Gpu)
            return chosen;
        bool dense = experiment is Table2 or Figure2 or Figure1d,
            boxes = experiment is Table3 or Figure1Detection,
            paper = chosen.Scale == Scale.Paper;
        return chosen with
        {
            Data =
                chosen.Data
                ?? (
                    dense ? PublishedData.Ade20K
                    : boxes ? PublishedData.Coco
                    : paper ? PublishedData.ImageNet1k
                    : PublishedData.Cifar10
                ),
            Pretraining = chosen.Pretraining ?? (paper && (dense || boxes) ? PublishedData.ImageNet1k : null),
        };
    }

    // A run with those that it starts from, the first of them first.
    private static IEnumerable<RunConfig> Chain(RunConfig config) =>
        config.StartsFrom is { } start ? Chain(start).Append(config) : [config];

    private static RunConfig WithoutSeed(RunConfig config) =>
        config with
        {
            Seed = 0,
            StartsFrom = config.StartsFrom is { } start ? WithoutSeed(start) : null,
        };
}
