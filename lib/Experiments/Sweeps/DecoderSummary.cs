using System.Globalization;
using PatchKit.Experiments.Reports;
using PatchKit.Experiments.Verdicts;
using PatchKit.Metrics;
using PatchKit.Models.Segmentation;
using PatchKit.ScalingLaws;
using PatchKit.Training.Runs;
using PatchKit.Training.Tasks;

namespace PatchKit.Experiments.Sweeps;

/// <summary>
/// The results of one backbone over patch sizes, decoders and seeds, and what can be said of the decoder's advantage.
/// </summary>
/// <param name="Results">segmentation runs, alike but for patch size, decoder and seed.</param>
public sealed record DecoderSummary(IReadOnlyList<RunResult> Results)
{
    /// <summary>Patch sizes, the largest first.</summary>
    public IReadOnlyList<int> Patches { get; } =
    [.. Results.Select(result => result.Config.Model.PatchSize).Distinct().OrderDescending()];

    /// <summary>Patch sizes at which both decoders were trained, the largest first.</summary>
    public IReadOnlyList<int> Compared =>
        [
            .. Patches.Where(patch =>
                At(patch, DecoderKind.Linear).Count > 0 && At(patch, DecoderKind.UperNet).Count > 0
            ),
        ];

    /// <summary>How many seeds the largest patch has with one linear layer.</summary>
    public int Seeds => At(Patches[0], DecoderKind.Linear).Count;

    /// <summary>The decoder of a run.</summary>
    public static DecoderKind Decoder(RunConfig config) => ((SegmentationTask)config.Task!).Decoder.Decoder;

    /// <summary>The scores of a run.</summary>
    public static SegmentationResult Scores(RunResult result) => (SegmentationResult)result.Scores!;

    /// <summary>The results at a patch size with a decoder, in the order of their seeds.</summary>
    public IReadOnlyList<RunResult> At(int patch, DecoderKind decoder) =>
        [
            .. Results
                .Where(result => result.Config.Model.PatchSize == patch && Decoder(result.Config) == decoder)
                .OrderBy(result => result.Config.Seed),
        ];

    /// <summary>The mean mIoU at a patch size with a decoder, 0 to 1; NaN where there is none.</summary>
    public double MIoU(int patch, DecoderKind decoder) =>
        At(patch, decoder).Select(result => Scores(result).MIoU).DefaultIfEmpty(double.NaN).Average();

    /// <summary>The mean test loss at a patch size with a decoder; NaN where there is none.</summary>
    public double Loss(int patch, DecoderKind decoder) =>
        At(patch, decoder).Select(result => result.Test.Loss).DefaultIfEmpty(double.NaN).Average();

    /// <summary>What UperNet gains over one linear layer in mIoU, 0 to 1, for each seed that has both.</summary>
    public PairedStep Gaps(int patch) => Paired(patch, "mIoU", run => Scores(run).MIoU, falls: false);

    /// <summary>How much lower UperNet's test loss is than the linear layer's, for each seed that has both.</summary>
    public PairedStep LossGaps(int patch) => Paired(patch, "test loss", run => run.Test.Loss, falls: true);

    /// <summary>mIoU, its spread, accuracies, losses and seconds with a decoder.</summary>
    public ReportTable Table(DecoderKind decoder, string title)
    {
        int[] patches = [.. Patches.Where(patch => At(patch, decoder).Count > 0)];
        return new(
            title,
            ["", .. patches.Select(patch => $"p={patch}")],
            [
                Row("tokens", runs => $"{runs[0].Config.Model.TokenGrid.Count}"),
                Row("mIoU, %", runs => PatchSummary.Percent(runs.Average(run => Scores(run).MIoU))),
                .. Seeds > 1
                    ?
                    [
                        Row(
                            "  from .. to",
                            runs =>
                                runs.Count > 1
                                    ? $"{PatchSummary.Percent(runs.Min(run => Scores(run).MIoU))} "
                                        + $".. {PatchSummary.Percent(runs.Max(run => Scores(run).MIoU))}"
                                    : "one seed"
                        ),
                    ]
                    : Array.Empty<IReadOnlyList<string>>(),
                Row("aAcc, %", runs => PatchSummary.Percent(runs.Average(run => Scores(run).AAcc))),
                Row("mAcc, %", runs => PatchSummary.Percent(runs.Average(run => Scores(run).MAcc))),
                Row("test loss", runs => PatchSummary.Number(runs.Average(run => run.Test.Loss))),
                Row("training loss, at the end", runs => PatchSummary.Number(runs.Average(run => run.TrainingLoss))),
                Row("parameters", runs => runs[0].Parameters.ToString("N0", CultureInfo.InvariantCulture)),
                Row(
                    "seconds of training",
                    runs => runs.Average(run => run.Seconds).ToString("0", CultureInfo.InvariantCulture)
                ),
            ]
        );

        IReadOnlyList<string> Row(string name, Func<IReadOnlyList<RunResult>, string> cell) =>
            [name, .. patches.Select(patch => cell(At(patch, decoder)))];
    }

    /// <summary>
    /// What UperNet gains over one linear layer, in mIoU and in loss, with its spread over the seeds.
    /// </summary>
    public ReportTable GapTable(string title) =>
        new(
            title,
            ["", .. Compared.Select(patch => $"p={patch}")],
            [
                Row("linear, mIoU %", patch => PatchSummary.Percent(MIoU(patch, DecoderKind.Linear))),
                Row("UperNet, mIoU %", patch => PatchSummary.Percent(MIoU(patch, DecoderKind.UperNet))),
                Row("gain in mIoU, points", patch => PatchSummary.Points(Gaps(patch).Mean)),
                .. Gaps(Compared[0]).Count > 1
                    ?
                    [
                        Row(
                            "  standard deviation over seeds",
                            patch =>
                                Gaps(patch).Count > 1
                                    ? (100 * Gaps(patch).Deviation).ToString("0.0", CultureInfo.InvariantCulture)
                                    : "one seed"
                        ),
                        Row("  each seed", patch => string.Join(" ", Gaps(patch).Gains.Select(PatchSummary.Points))),
                    ]
                    : Array.Empty<IReadOnlyList<string>>(),
                Row("gain in test loss", patch => PatchSummary.Signed(LossGaps(patch).Mean)),
                .. LossGaps(Compared[0]).Count > 1
                    ?
                    [
                        Row(
                            "  standard deviation over seeds",
                            patch =>
                                LossGaps(patch).Count > 1 ? PatchSummary.Number(LossGaps(patch).Deviation) : "one seed"
                        ),
                    ]
                    : Array.Empty<IReadOnlyList<string>>(),
                Row(
                    "  as a part of the linear loss, %",
                    patch => PatchSummary.Percent(LossGaps(patch).Mean / Loss(patch, DecoderKind.Linear))
                ),
            ]
        );

    /// <summary>The IoU of each class with a decoder, the mean over seeds.</summary>
    public ReportTable ClassTable(DecoderKind decoder, string title)
    {
        int[] patches = [.. Patches.Where(patch => At(patch, decoder).Count > 0)];
        var names = Scores(At(patches[0], decoder)[0]).Classes;
        return new(
            title,
            ["IoU, %", .. patches.Select(patch => $"p={patch}")],
            [
                .. names.Select(
                    (name, k) =>
                        (IReadOnlyList<string>)
                            [
                                name,
                                .. patches.Select(patch =>
                                    Share(
                                        At(patch, decoder)
                                            .Select(run => Scores(run).IoU[k])
                                            .Where(iou => !double.IsNaN(iou))
                                    )
                                ),
                            ]
                ),
            ]
        );

        static string Share(IEnumerable<double> ious) => ious.Any() ? PatchSummary.Percent(ious.Average()) : "absent";
    }

    /// <summary>The claim that mIoU rises with every step to a smaller patch, with one linear layer.</summary>
    public Claim Rises(string effect) =>
        new PatchSummary([.. Results.Where(result => Decoder(result.Config) == DecoderKind.Linear)]).Curve(
            effect,
            run => Scores(run).MIoU,
            falls: false,
            PatchSummary.Percent,
            PatchSummary.Points
        );

    /// <summary>The claim that the smallest patch with one linear layer passes UperNet at the largest.</summary>
    public Claim Overtakes(string name)
    {
        int largest = Compared[0],
            smallest = Patches.Last(patch => At(patch, DecoderKind.Linear).Count > 0);
        return new Claim(
            $"{name}: p={smallest} with one linear layer passes UperNet at p={largest}",
            [
                PatchSummary.Step(
                    "the gain over it",
                    At(largest, DecoderKind.UperNet),
                    At(smallest, DecoderKind.Linear),
                    run => Scores(run).MIoU,
                    falls: false
                ),
            ]
        )
        {
            Scores =
                $"UperNet at p={largest} {PatchSummary.Percent(MIoU(largest, DecoderKind.UperNet))} %, one "
                + $"linear layer at p={smallest} {PatchSummary.Percent(MIoU(smallest, DecoderKind.Linear))} %.",
            Missing = smallest == largest ? "One patch size is compared with itself." : "",
            Text = PatchSummary.Points,
        };
    }

    /// <summary>
    /// The claim that the decoder has an advantage in mIoU at the largest patch, and that it is smaller at the
    /// smallest.
    /// </summary>
    public Claim Diminishes(string effect) => Diminishes(effect, Gaps, PatchSummary.Points, "mIoU", "points");

    /// <summary>The same of the test loss.</summary>
    public Claim LossDiminishes(string effect) =>
        Diminishes(effect, LossGaps, PatchSummary.Signed, "test loss", "nats");

    private Claim Diminishes(
        string effect,
        Func<int, PairedStep> gaps,
        Func<double, string> text,
        string what,
        string unit
    )
    {
        if (Compared.Count < 2)
            return new Claim(effect, []) { Missing = "Both decoders were trained at fewer than two patch sizes." };
        var (large, small) = (gaps(Compared[0]), gaps(Compared[^1]));
        return new Claim(
            effect,
            [
                large with
                {
                    Name = $"the gain at p={Compared[0]}",
                },
                large.Less($"how much more that is than at p={Compared[^1]}", small),
            ]
        )
        {
            Scores =
                $"UperNet's gain in {what}: "
                + $"{string.Join(", ", Compared.Select(patch => $"p={patch} {text(gaps(patch).Mean)}"))} {unit}.",
            Text = text,
        };
    }

    private PairedStep Paired(int patch, string what, Func<RunResult, double> score, bool falls) =>
        PatchSummary.Step(
            $"{what}, p={patch}",
            At(patch, DecoderKind.Linear),
            At(patch, DecoderKind.UperNet),
            score,
            falls
        );

    private IReadOnlyList<string> Row(string name, Func<int, string> cell) => [name, .. Compared.Select(cell)];
}
