using System.Globalization;
using PatchKit.Experiments.Reports;
using PatchKit.Experiments.Verdicts;
using PatchKit.Models;
using PatchKit.ScalingLaws;
using PatchKit.Training;
using PatchKit.Training.Runs;

namespace PatchKit.Experiments.Tables;

// Table 7: the models and their parameters.
//
//   command    patchkit run table7
//   cost       seconds; nothing is trained
//   expected   eight of ten agree; DeiT-Huge counts 632M, not 631M, and Adventurer-Huge's own configuration
//              718M, not 759M

/// <summary>Table 7: the models, counted.</summary>
public sealed class Table7 : Experiment
{
    private const int Input = 224,
        PatchSize = 16;

    /// <inheritdoc/>
    public override string Name => "table7";

    /// <inheritdoc/>
    public override string Title => "Table 7: the models";

    /// <inheritdoc/>
    public override string Claim => "two families in five sizes, from 5M to 759M parameters";

    /// <inheritdoc/>
    public override string Cost => "seconds";

    /// <inheritdoc/>
    public override IReadOnlyList<RunConfig> Grid(ExperimentOptions options) => [];

    /// <inheritdoc/>
    public override Report Report(ExperimentContext context)
    {
        var models = PaperNumbers
            .Table7.Select(paper => (Paper: paper, Preset: ModelZoo.Find(paper.Name.ToLowerInvariant())))
            .Select(row => (row.Paper, row.Preset, Modules: Count(row.Preset.Config, context.Cancellation)))
            .ToList();
        return new Report
        {
            Experiment = Name,
            Title = Title,
            Scale = context.Options.Scale,
            Data = $"counted for images of {Input}x{Input} at patch size {PatchSize} and 1,000 classes",
            Tables =
            [
                new(
                    "Shapes: the paper's / ours",
                    ["model", "embedding", "MLP", "blocks"],
                    [
                        .. models.Select(row =>
                            (IReadOnlyList<string>)
                                [
                                    row.Paper.Name,
                                    $"{row.Paper.EmbedDim} / {row.Preset.Config.EmbedDim}",
                                    $"{row.Paper.MlpDim} / {Mlp(row.Preset.Config)}",
                                    $"{row.Paper.Blocks} / {row.Preset.Config.Depth}",
                                ]
                        ),
                    ]
                ),
                new(
                    "Parameters: the paper's, from the cost model, and of real modules (one block and two; "
                        + "the second counts for each further one)",
                    ["model", "the paper, M", "cost model", "modules", "agree", "GMACs", "of the scan in chunks"],
                    [
                        .. models.Select(row =>
                            (IReadOnlyList<string>)
                                [
                                    row.Paper.Name,
                                    $"{row.Paper.Parameters}",
                                    Whole(row.Preset.Config.Cost().Parameters),
                                    Whole(row.Modules),
                                    Agrees(row.Paper, row.Modules) ? "yes" : "no",
                                    Giga(row.Preset.Config.Cost().Macs),
                                    row.Preset.Config.Cost() is MambaCost scan ? Giga(scan.ChunkedMacs()) : "",
                                ]
                        ),
                    ]
                ),
            ],
            Verdicts = [.. models.Select(row => Judge(row.Paper, row.Preset, row.Modules))],
            Caveats =
            [
                "The table has whole millions, some cut and some rounded: a count less than one million away agrees.",
                "GMACs are one image's forward pass, for Adventurer with the scan step by step; the paper prints none.",
            ],
            Machine = Machine.Here(context.Options.Device),
        };
    }

    private static Verdict Judge(PaperModel paper, ModelPreset preset, long modules)
    {
        var config = preset.Config;
        bool shapes = (paper.EmbedDim, paper.MlpDim, paper.Blocks) == (config.EmbedDim, Mlp(config), config.Depth),
            counted = modules == config.Cost().Parameters,
            agrees = Agrees(paper, modules);
        long body = modules - (config.EmbedDim + 1L) * config.Classes;
        List<string> because =
        [
            shapes ? "The shapes are the table's" : "The shapes differ",
            $"{Whole(modules)} parameters, in the table {paper.Parameters}M",
            .. counted ? Array.Empty<string>() : [$"the cost model counts {Whole(config.Cost().Parameters)}"],
            .. !agrees && Agrees(paper, body)
                ? [$"without the head {Whole(body)}, which would agree"]
                : Array.Empty<string>(),
            .. preset.Note == "" ? Array.Empty<string>() : [preset.Note],
        ];
        return VerdictRule.OfNumbers(
            $"{paper.Name} is as Table 7 says",
            shapes && counted && agrees,
            string.Join("; ", because) + "."
        );
    }

    // All of a huge model is gigabytes; its blocks are alike.
    private static long Count(BackboneConfig config, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        long one = Made(1),
            two = Made(2);
        return one + (config.Depth - 1) * (two - one);

        long Made(int depth)
        {
            using var model = (config with { Depth = depth }).Create();
            return model.parameters().Sum(parameter => parameter.numel());
        }
    }

    private static bool Agrees(PaperModel paper, long parameters) =>
        Math.Abs(parameters - 1e6 * paper.Parameters) < 1e6;

    private static int Mlp(BackboneConfig config) =>
        config is VisionTransformerConfig vit ? vit.MlpDim : ((AdventurerConfig)config).MlpDim;

    private static string Whole(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    private static string Giga(long macs) => (macs / 1e9).ToString("0.0", CultureInfo.InvariantCulture);
}
