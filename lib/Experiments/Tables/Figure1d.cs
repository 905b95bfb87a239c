using PatchKit.Experiments.Reports;
using PatchKit.Experiments.Sweeps;
using PatchKit.Experiments.Verdicts;
using PatchKit.Models.Segmentation;
using PatchKit.ScalingLaws;
using PatchKit.Training;
using PatchKit.Training.Runs;

namespace PatchKit.Experiments.Tables;

// Figure 1(d): the test loss of segmentation over patch size.
//
//   command    patchkit run figure1d --scale teach            (--data DIR for real images in ADE20K's layout)
//   cost       that of table2's linear half; nothing after table2
//   expected   the loss per pixel falls at every step to a smaller patch

/// <summary>Figure 1(d): the test loss of segmentation falls as the patch shrinks.</summary>
public sealed class Figure1d : Experiment
{
    /// <inheritdoc/>
    public override string Name => "figure1d";

    /// <inheritdoc/>
    public override string Title => "Figure 1(d): the test loss of segmentation by patch size";

    /// <inheritdoc/>
    public override string Claim =>
        "the test loss of segmentation falls smoothly, a power law of the patch size without a floor";

    /// <inheritdoc/>
    public override string Cost => "shares table2's runs";

    /// <inheritdoc/>
    public override IReadOnlyList<RunConfig> Grid(ExperimentOptions options) =>
        [
            .. from seed in SegmentationGrid.Seeds(options)
            from patch in SegmentationGrid.Patches(options)
            select SegmentationGrid.Run(options, patch, SegmentationConfig.Linear, seed),
        ];

    /// <inheritdoc/>
    public override Report Report(ExperimentContext context)
    {
        var options = context.Options;
        var sweep = new PatchSummary(context.Results);
        var panel = PaperNumbers.Figure1.Single(one => one.Letter == "d");
        string name = $"{context.Results[0].Config.Family} with one linear layer";
        var fit = sweep.FitTable($"{name}: the law fitted to the losses");
        Claim[] claims =
        [
            sweep.Falls($"{name}: the loss falls with every step to a smaller patch") with
            {
                Beside = Plateaus.Of(context, sweep.Results),
            },
        ];
        return new Report
        {
            Experiment = Name,
            Title = Title,
            Scale = options.Scale,
            Data = context.Results[0].Config.Data.Title,
            Tables =
            [
                new(
                    $"{name}: test loss per labelled pixel{PatchSummary.MeanOf(sweep.Seeds)}",
                    ["", .. sweep.Patches.Select(patch => $"p={patch}")],
                    [
                        ["test loss", .. sweep.Patches.Select(patch => ReportNumber.Number(sweep.Loss(patch)))],
                        [
                            "  as a part of the largest patch's",
                            .. sweep.Patches.Select(patch =>
                                ReportNumber.Number(sweep.Loss(patch) / sweep.Loss(sweep.Patches[0]))
                            ),
                        ],
                        [
                            "training loss, at the end",
                            .. sweep.Patches.Select(patch =>
                                ReportNumber.Number(sweep.At(patch).Average(run => run.TrainingLoss))
                            ),
                        ],
                    ]
                ),
                .. fit is null ? [] : new[] { fit },
                VerdictRule.Table(claims),
                new(
                    $"The paper: panel d, {panel.What}, as it was read",
                    ["", .. panel.Points.Select(point => $"p={point.PatchSize:0}")],
                    [
                        [
                            "test loss",
                            .. panel.Points.Select(point =>
                                point.Loss.ToString("0.0000", System.Globalization.CultureInfo.InvariantCulture)
                            ),
                        ],
                        [
                            "  as a part of the largest patch's",
                            .. panel.Points.Select(point => ReportNumber.Number(point.Loss / panel.Points[0].Loss)),
                        ],
                    ]
                ),
            ],
            Verdicts = VerdictRule.Of(claims, options.Scale),
            Caveats =
            [
                "What loss the paper plots is not said; here it is the mean cross entropy of the labelled pixels.",
                .. Figure2.Remarks(context),
            ],
            Machine = Machine.Here(options.Device),
        };
    }
}
