using System.Globalization;
using PatchKit.Experiments.Reports;
using PatchKit.Experiments.Sweeps;
using PatchKit.Experiments.Verdicts;
using PatchKit.Models;
using PatchKit.Models.Segmentation;
using PatchKit.ScalingLaws;
using PatchKit.Training;
using PatchKit.Training.Runs;

namespace PatchKit.Experiments.Tables;

// Table 2: segmentation with one linear layer on the tokens, by patch size, and UperNet beside it.
//
//   command    patchkit run table2 --scale teach            (--data DIR for real images in ADE20K's layout, such
//              as CamVid)
//   cost       about 29 minutes of one busy CPU core, two at a time, the backbones' training beside it
//   expected   mIoU rises from the largest patch to the smallest with one linear layer

/// <summary>Table 2: mIoU rises as the patch shrinks, with one linear layer for a decoder.</summary>
public sealed class Table2 : Experiment
{
    /// <inheritdoc/>
    public override string Name => "table2";

    /// <inheritdoc/>
    public override string Title => "Table 2: semantic segmentation by patch size, without a decoder";

    /// <inheritdoc/>
    public override string Claim =>
        "with one linear layer in place of a decoder mIoU rises with every halving of the patch, and passes "
        + "UperNet's at the largest";

    /// <inheritdoc/>
    public override string Cost => "29 min; CamVid 30 min";

    /// <inheritdoc/>
    public override IReadOnlyList<RunConfig> Grid(ExperimentOptions options) =>
        options.Scale == Scale.Paper
            ?
            [
                .. from width in new[] { "tiny", "base" }
                from patch in SegmentationGrid.Patches(options)
                from decoder in patch == SegmentationGrid.Patches(options)[0]
                    ? [SegmentationConfig.Linear, SegmentationGrid.UperNet(options)]
                    : new[] { SegmentationConfig.Linear }
                from seed in SegmentationGrid.Seeds(options)
                select SegmentationGrid.Run(options, patch, decoder, seed, width),
            ]
            : Figure2.Both(options);

    /// <inheritdoc/>
    public override Report Report(ExperimentContext context)
    {
        var options = context.Options;
        List<ReportTable> tables = [];
        List<Claim> claims = [];
        foreach (var group in context.Results.GroupBy(result => (result.Config.Family, result.Config.Model.EmbedDim)))
        {
            var sweep = new DecoderSummary([.. group]);
            string name = $"{group.Key.Family}, D={group.Key.EmbedDim}";
            tables.Add(sweep.Table(DecoderKind.Linear, $"{name}, one linear layer{PatchSummary.MeanOf(sweep.Seeds)}"));
            if (sweep.Compared.Count > 0)
            {
                tables.Add(sweep.Table(DecoderKind.UperNet, $"{name}, UperNet{PatchSummary.MeanOf(sweep.Seeds)}"));
                tables.Add(sweep.GapTable($"{name}: what UperNet gains over one linear layer on the same backbone"));
            }
            if (DecoderSummary.Scores(sweep.Results[0]).Classes.Count <= 20)
                tables.Add(sweep.ClassTable(DecoderKind.Linear, $"{name}, one linear layer: IoU by class"));
            claims.Add(
                sweep.Rises($"{name}: with one linear layer mIoU rises with every step to a smaller patch") with
                {
                    Beside = Figure2.Ends(context, sweep),
                }
            );
            if (sweep.Compared.Count > 0)
                claims.Add(sweep.Overtakes(name));
            if (sweep.Compared.Count > 1)
                claims.AddRange(Figure2.Diminishing(name, sweep));
        }
        tables.AddRange([VerdictRule.Table(claims), Paper(), Parameters()]);
        return new Report
        {
            Experiment = Name,
            Title = Title,
            Scale = options.Scale,
            Data = context.Results[0].Config.Data.Title,
            Tables = tables,
            Verdicts = VerdictRule.Of(claims, options.Scale),
            Caveats = Figure2.Remarks(context),
            Machine = Machine.Here(options.Device),
        };
    }

    private static ReportTable Paper() =>
        new(
            "The paper: ADE20K mIoU, %",
            ["model, decoder", "p=16", "p=8", "p=4", "p=2"],
            [
                .. PaperNumbers
                    .Table2.GroupBy(row => (row.Model, row.Decoder))
                    .Select(row =>
                        (IReadOnlyList<string>)
                            [
                                $"{row.Key.Model}, {row.Key.Decoder}",
                                .. new[] { 16, 8, 4, 2 }.Select(patch =>
                                    row.FirstOrDefault(cell => cell.PatchSize == patch)
                                        ?.MIoU.ToString("0.0", CultureInfo.InvariantCulture)
                                    ?? ""
                                ),
                            ]
                    ),
            ]
        );

    /// <summary>The paper's counts of parameters beside ours, at 224 pixels of positions and 150 classes.</summary>
    internal static ReportTable Parameters() =>
        new(
            "Parameters in millions: Table 2 and Figure 2's caption, and here with 150 classes, positions "
                + "of 224 pixels and a UperNet of width 192",
            ["", "p", "paper", "here", "", "with ImageNet's head", ""],
            [
                .. PaperNumbers.Table2.Select(row =>
                {
                    var (head, decoded) = (
                        1000 * (EmbedDim(row.Model) + 1) / 1e6,
                        Count(row.Model, row.PatchSize, row.Decoder == "UperNet") / 1e6
                    );
                    return (IReadOnlyList<string>)
                        [
                            .. Line($"{row.Model}, {row.Decoder}", $"{row.PatchSize}", row.Parameters, decoded, "0"),
                            .. Line("", "", row.Parameters, decoded + head, "0").Skip(3),
                        ];
                }),
                [.. Line("Figure 2: UperNet", "16", 13, Head(768, 16, upernet: true) / 1e6, "0"), "", ""],
                [.. Line("Figure 2: linear layer", "all", .2, Head(768, 16, upernet: false) / 1e6, "0.0"), "", ""],
            ]
        );

    /// <summary>Learned numbers of a model of Table 2.</summary>
    internal static long Count(string model, int patch, bool upernet)
    {
        var config = Preset(model) with { PatchSize = patch, Classes = 0 };
        return config.Cost().Parameters + Head(config.EmbedDim, patch, upernet);
    }

    private static int EmbedDim(string model) => Preset(model).EmbedDim;

    private static BackboneConfig Preset(string model) =>
        ModelZoo.Find(model.EndsWith('T') ? "adventurer-tiny" : "adventurer-base").Config;

    private static long Head(int embedDim, int patch, bool upernet)
    {
        using SegmentationHead head = upernet
            ? new UperNet(embedDim, patch, 150)
            : new LinearSegmentationHead(embedDim, 150);
        return head.parameters().Sum(parameter => parameter.numel());
    }

    private static IReadOnlyList<string> Line(string name, string patch, double paper, double here, string format)
    {
        string printed = paper.ToString(format, CultureInfo.InvariantCulture);
        return
        [
            name,
            patch,
            printed,
            here.ToString("0.00", CultureInfo.InvariantCulture),
            here.ToString(format, CultureInfo.InvariantCulture) == printed ? "agrees" : "differs",
        ];
    }
}
