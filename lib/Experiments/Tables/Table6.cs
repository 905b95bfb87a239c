using PatchKit.Experiments.Planning;
using PatchKit.Experiments.Reports;
using PatchKit.Experiments.Verdicts;
using PatchKit.Models;
using PatchKit.Training;
using PatchKit.Training.Runs;

namespace PatchKit.Experiments.Tables;

// Table 6: time and memory of training by patch size, for both families.
//
//   command    patchkit run table6 --scale teach            (gpu: the paper's models at 224 pixels)
//   cost       about 2 minutes on two CPU cores, and 2 GB
//   expected   the ViT's time grows with the square of the sequence at last, Adventurer's in proportion to it; memory
//              in proportion in both

/// <summary>Table 6: what smaller patches cost, measured here.</summary>
public sealed class Table6 : Experiment
{
    private const int PaperInput = 224;

    /// <inheritdoc/>
    public override string Name => "table6";

    /// <inheritdoc/>
    public override string Title => "Table 6: time and memory by patch size";

    /// <inheritdoc/>
    public override string Claim =>
        "with every halving of the patch the ViT's time grows by more and more, up to 12 times, "
        + "Adventurer's by about 4, memory by 4";

    /// <inheritdoc/>
    public override string Cost => "2 min";

    /// <inheritdoc/>
    public override IReadOnlyList<RunConfig> Grid(ExperimentOptions options) => [];

    /// <inheritdoc/>
    public override IReadOnlyList<(BackboneConfig Model, int Batch)> Steps(ExperimentOptions options) =>
        [
            .. from setting in Settings(options.Scale)
            from model in new[] { setting.Vit, setting.Adventurer }
            from patch in setting.Patches
            select Step(setting, model, patch),
        ];

    /// <inheritdoc/>
    public override Report Report(ExperimentContext context)
    {
        var options = context.Options;
        var meter = new StepMeter(
            StepMeter.FolderIn(context.Store),
            options.Device,
            options.Scale == Scale.Smoke ? .2 : 2
        );
        List<ReportTable> tables = [];
        List<Claim> claims = [];
        foreach (var setting in Settings(options.Scale))
        {
            var (vit, adventurer) = (
                Measure(setting, Family.ViT, setting.Vit),
                Measure(setting, Family.Adventurer, setting.Adventurer)
            );
            tables.Add(CostTables.Measured(setting, vit, adventurer));
            tables.AddRange([CostTables.Growth(setting, vit), CostTables.Growth(setting, adventurer)]);
            claims.AddRange(new CostClaims(setting, vit, adventurer).All);
        }
        tables.AddRange([VerdictRule.Table(claims), CostTables.Paper()]);
        return new Report
        {
            Experiment = Name,
            Title = Title,
            Scale = options.Scale,
            Data = "random images",
            Tables = tables,
            Verdicts = [.. VerdictRule.Of(claims, options.Scale), CostClaims.HoursFollowMacs()],
            Caveats =
            [
                "Rounds follow each other within a measurement: an interval over them knows how steps "
                    + "differ, not how the machine may have changed between two patch sizes.",
                "A time is the fastest of several steps on this machine; how times grow from patch to patch "
                    + "travels to other machines, times do not.",
                "A step here holds equally many tokens at every patch size, so that what a call costs "
                    + "weighs alike; the paper's holds 1,024 images.",
                "The paper: one A100, float16, FlashAttention. Here: float32 on a CPU, bfloat16 on a GPU; "
                    + "attention, scan and norms fused where the device has them.",
                "Multiply-accumulates of Adventurer are those of the scan step by step, the fewest; scans "
                    + "in chunks, as GPUs run them, take more.",
            ],
            Machine = Machine.Here(options.Device),
        };

        GrowthCurve Measure(CostSetting setting, Family family, BackboneConfig model) =>
            new(family, [.. setting.Patches.Select(patch => MeasurePoint(setting, family, model, patch))]);

        CostPoint MeasurePoint(CostSetting setting, Family family, BackboneConfig model, int patch)
        {
            context.Cancellation.ThrowIfCancellationRequested();
            var (config, batch) = Step(setting, model, patch);
            var cost = meter.Measure(config, batch, context.Cancellation);
            string measured = cost is null
                ? "does not fit"
                : $"{CostTables.Milliseconds(cost)} ms and {CostTables.Megabytes(cost.BytesPerImage)} MB an image";
            context.Say($"{setting.Title}, {family} p={patch}: {measured}");
            return new(patch, config.Cost(), batch, cost);
        }
    }

    // Equally many tokens at every patch size.
    private static (BackboneConfig Model, int Batch) Step(CostSetting setting, BackboneConfig model, int patch) =>
        (
            model with
            {
                Height = setting.Input,
                Width = setting.Input,
                PatchSize = patch,
            },
            patch / setting.Patches[^1] * (patch / setting.Patches[^1])
        );

    private static IEnumerable<CostSetting> Settings(Scale scale) =>
        scale switch
        {
            Scale.Smoke => [Small(16, [8, 4, 2, 1])],
            Scale.Teach => [Small(64, [16, 8, 4, 2, 1]), Zoo("tiny", 64)],
            _ => [Zoo("base", PaperInput)],
        };

    private static CostSetting Small(int input, int[] patches) =>
        new(
            $"Small nets at {input}x{input}",
            SmallNet.Vit(input, 1, 16),
            SmallNet.Adventurer(input, 1, 16),
            input,
            patches
        );

    private static CostSetting Zoo(string width, int input) =>
        new(
            $"DeiT and Adventurer, {width}, at {input}x{input}",
            ModelZoo.Find($"deit-{width}").Config,
            ModelZoo.Find($"adventurer-{width}").Config,
            input,
            [16, 8, 4, 2, 1]
        );
}
