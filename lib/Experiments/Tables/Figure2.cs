using System.Globalization;
using PatchKit.Experiments.Reports;
using PatchKit.Experiments.Sweeps;
using PatchKit.Experiments.Verdicts;
using PatchKit.Models.Segmentation;
using PatchKit.Training;
using PatchKit.Training.Runs;

namespace PatchKit.Experiments.Tables;

// Figure 2: one backbone with UperNet and with one linear layer, by patch size.
//
//   command    patchkit run figure2 --scale teach            (--data DIR for real images in ADE20K's layout)
//   cost       that of table2; nothing after it
//   expected   at `teach` see the verdict: in the study behind the kit the absolute gap in loss shrank, and the
//              relative one did not

/// <summary>Figure 2: what a decoder adds diminishes as the patch shrinks.</summary>
public sealed class Figure2 : Experiment
{
    /// <inheritdoc/>
    public override string Name => "figure2";

    /// <inheritdoc/>
    public override string Title => "Figure 2: the decoder's advantage by patch size";

    /// <inheritdoc/>
    public override string Claim =>
        "on the same backbone UperNet gains much over one linear layer at large patches, and less and less "
        + "as the patch shrinks";

    /// <inheritdoc/>
    public override string Cost => "shares table2's runs";

    /// <inheritdoc/>
    public override IReadOnlyList<RunConfig> Grid(ExperimentOptions options) => Both(options);

    /// <inheritdoc/>
    public override Report Report(ExperimentContext context)
    {
        var options = context.Options;
        var sweep = new DecoderSummary(context.Results);
        string name = $"{context.Results[0].Config.Family}, D={context.Results[0].Config.Model.EmbedDim}";
        List<Claim> claims = [.. Diminishing(name, sweep)];
        claims[0] = claims[0] with { Beside = Ends(context, sweep) };
        return new Report
        {
            Experiment = Name,
            Title = Title,
            Scale = options.Scale,
            Data = context.Results[0].Config.Data.Title,
            Tables =
            [
                sweep.GapTable($"{name}: what UperNet gains over one linear layer on the same backbone"),
                sweep.ClassTable(DecoderKind.UperNet, $"{name}, UperNet: IoU by class"),
                Sizes(context.Results),
                VerdictRule.Table(claims),
                new(
                    "The paper: Adventurer-B on ADE20K at p=16, mIoU %",
                    ["", "linear", "UperNet", "gain"],
                    [
                        ["Table 2", "44.0", "45.7", "+1.7"],
                        ["Adventurer-T, Table 2", "40.0", "41.3", "+1.3"],
                    ]
                ),
            ],
            Verdicts = VerdictRule.Of(claims, options.Scale),
            Caveats = Remarks(context),
            Machine = Machine.Here(options.Device),
        };
    }

    /// <summary>Both decoders at every patch size; table2 takes the same.</summary>
    internal static IReadOnlyList<RunConfig> Both(ExperimentOptions options) =>
        [
            .. from seed in SegmentationGrid.Seeds(options)
            from patch in SegmentationGrid.Patches(options)
            from decoder in new[] { SegmentationConfig.Linear, SegmentationGrid.UperNet(options) }
            select SegmentationGrid.Run(options, patch, decoder, seed),
        ];

    /// <summary>The claims on the decoder's advantage, in mIoU and in loss.</summary>
    internal static IEnumerable<Claim> Diminishing(string name, DecoderSummary sweep) =>
        [
            sweep.Diminishes(
                $"{name}: the decoder's advantage in mIoU diminishes from the largest patch to the smallest"
            ),
            sweep.LossDiminishes($"{name}: its advantage in test loss diminishes"),
        ];

    /// <summary>Which of the sweep's runs ended on a plateau.</summary>
    internal static string Ends(ExperimentContext context, DecoderSummary sweep) =>
        Plateaus.Of(context, sweep.Results, config => $"{DecoderSummary.Decoder(config)} p={config.Model.PatchSize}");

    /// <summary>What must be kept in mind of the small segmentations.</summary>
    internal static IReadOnlyList<string> Remarks(ExperimentContext context)
    {
        var options = context.Options;
        if (options.Scale == Scale.Paper)
            return
            [
                "The paper states neither schedule, crop, windows nor UperNet's width: what is usual for "
                    + "ADE20K stands in, and a width that gives the printed counts.",
            ];
        var first = context.Results[0].Config;
        int leftOut = context.Results.Max(result => result.LeftOut);
        return
        [
            options.Data is null
                ? "The scenes are built so that evidence sits in fine local statistics: they illustrate a "
                    + "mechanism, and only real images test the claim."
                : "Few images come again and again: small patches and decoders fit them better, and may "
                    + "overfit first. Compare training and test loss.",
            $"Backbones classify {first.StartsFrom!.Data.Title} first, {first.StartsFrom.Steps:N0} steps at "
                + "the same patch size; the paper's classify ImageNet-1k.",
            "A linear layer gives each patch one answer, blurred by bilinear upsampling: at large patches "
                + "it cannot draw an outline. A difference between patch sizes is resolution and recognition "
                + "together; see the classes.",
            "A difference in percent of mIoU shrinks by itself where mIoU nears its ceiling; the relative "
                + "gain in loss is printed beside it.",
            "One width of UperNet and one recipe for both decoders, chosen on seeds below 10; another may "
                + "favour either.",
            .. leftOut > 0
                ? [$"Up to {leftOut:N0} samples could not be read and were left out of a run."]
                : Array.Empty<string>(),
        ];
    }

    private static ReportTable Sizes(IReadOnlyList<RunResult> results)
    {
        var both = results
            .GroupBy(result => result.Config.Model.PatchSize)
            .OrderByDescending(group => group.Key)
            .ToList();
        (string Name, Func<RunResult, string> Cell)[] rows =
        [
            ("parameters", run => $"{run.Parameters:N0}"),
            (
                "MMACs",
                run => (run.Config.Task!.Macs(run.Config.Model) / 1e6).ToString("0.0", CultureInfo.InvariantCulture)
            ),
        ];
        return new(
            "The models: parameters, and multiply-accumulates per image",
            ["", .. both.Select(group => $"p={group.Key}")],
            [
                .. from decoder in Enum.GetValues<DecoderKind>()
                from row in rows
                select (IReadOnlyList<string>)
                    [
                        $"{decoder}, {row.Name}",
                        .. both.Select(same =>
                            row.Cell(same.First(run => DecoderSummary.Decoder(run.Config) == decoder))
                        ),
                    ],
            ]
        );
    }
}
