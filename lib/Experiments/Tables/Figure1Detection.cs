using System.Globalization;
using PatchKit.Experiments.Reports;
using PatchKit.Experiments.Sweeps;
using PatchKit.Experiments.Verdicts;
using PatchKit.Metrics;
using PatchKit.ScalingLaws;
using PatchKit.Training;
using PatchKit.Training.Runs;

namespace PatchKit.Experiments.Tables;

// Figure 1, panels (e) and (f): the test losses of boxes and of masks over patch size, and the law loss = floor + a
// p^alpha through them.
//
//   command    patchkit run figure1e --scale teach          (figure1f; --data DIR for a folder in COCO's format)
//   cost       nothing after table3
//   expected   both losses fall at every halving of the patch

/// <summary>Figure 1(e) or (f): the loss of boxes or of masks falls as the patch shrinks.</summary>
public sealed class Figure1Detection : Experiment
{
    private readonly string _letter,
        _what;
    private readonly Func<DetectionResult, double> _loss;

    private Figure1Detection(string letter, string what, Func<DetectionResult, double> loss) =>
        (_letter, _what, _loss) = (letter, what, loss);

    /// <summary>Panel (e): boxes.</summary>
    public static Figure1Detection Boxes { get; } = new("e", "box", scores => scores.BoxLoss);

    /// <summary>Panel (f): masks.</summary>
    public static Figure1Detection Masks { get; } = new("f", "mask", scores => scores.MaskLoss);

    /// <inheritdoc/>
    public override string Name => $"figure1{_letter}";

    /// <inheritdoc/>
    public override string Title => $"Figure 1({_letter}): the scaling law of the {_what} loss";

    /// <inheritdoc/>
    public override string Claim =>
        $"on COCO the test loss of {(_letter == "e" ? "boxes" : "masks")} falls smoothly as the patch "
        + "shrinks from 32 to 2 pixels";

    /// <inheritdoc/>
    public override string Cost => "that of table3, and nothing after it";

    /// <inheritdoc/>
    public override IReadOnlyList<RunConfig> Grid(ExperimentOptions options) => DetectionGrid.Runs(options);

    /// <inheritdoc/>
    public override Report Report(ExperimentContext context)
    {
        var panel = PaperNumbers.Figure1.Single(panel => panel.Letter == _letter);
        List<ReportTable> tables = [];
        List<Claim> claims = [];
        foreach (var group in context.Results.GroupBy(result => (result.Config.Family, result.Config.Model.EmbedDim)))
        {
            var sweep = Of([.. group]);
            string name = $"{group.Key.Family} D={group.Key.EmbedDim}";
            double first = sweep.Loss(sweep.Patches[0]);
            tables.Add(
                sweep
                    .Rows()
                    .Tokens()
                    .MeanAndSpan(
                        $"{_what} loss",
                        run => run.Test.Loss,
                        Text,
                        sweep.Patches.All(patch => sweep.At(patch).Count > 1)
                    )
                    .Mean(
                        $"as a part of that at p={sweep.Patches[0]}",
                        run => run.Test.Loss,
                        loss => ReportNumber.Number(loss / first)
                    )
                    .UnderPatches($"{name}: {_what} loss on test images{PatchSummary.MeanOf(sweep.Seeds)}")
            );
            if (sweep.FitTable($"{name}: the law fitted to the losses") is { } fit)
                tables.Add(fit);
            claims.Add(
                sweep.Falls($"{name}: the {_what} loss falls with every halving of the patch") with
                {
                    Beside = Plateaus.Of(context, sweep.Results),
                }
            );
        }
        tables.Add(VerdictRule.Table(claims));
        tables.Add(
            new ReportTable(
                $"The paper's panel, read off the picture: {panel.What}",
                ["", .. panel.Points.Select(point => $"p={point.PatchSize}")],
                [
                    ["test loss", .. panel.Points.Select(point => Text(point.Loss))],
                    [
                        $"as a part of that at p={panel.Points[0].PatchSize}",
                        .. panel.Points.Select(point => ReportNumber.Number(point.Loss / panel.Points[0].Loss)),
                    ],
                ]
            )
        );
        return new Report
        {
            Experiment = Name,
            Title = Title,
            Scale = context.Options.Scale,
            Data = context.Results[0].Config.Data.Title,
            Tables = tables,
            Verdicts = VerdictRule.Of(claims, context.Options.Scale),
            Caveats =
            [
                "The paper does not say how its loss is averaged, so that only its shape can be compared: "
                    + "ours is the weighted sum over the cascade's stages for boxes, the mean over pixels for masks.",
                $"The paper's panel as it was read: {PaperNumbers.Figure1Precision}.",
                .. DetectionCaveats.For(context.Options),
            ],
            Machine = Machine.Here(context.Options.Device),
        };
    }

    /// <summary>Results whose test loss is this panel's.</summary>
    public PatchSummary Of(IReadOnlyList<RunResult> results) =>
        new([
            .. results.Select(result =>
                result with
                {
                    Test = result.Test with { Loss = _loss(Table3.Scores(result)) },
                }
            ),
        ]);

    private static string Text(double loss) => loss.ToString("0.0000", CultureInfo.InvariantCulture);
}
