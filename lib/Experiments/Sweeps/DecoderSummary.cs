using PatchKit.Experiments.Reports;
using PatchKit.Metrics;
using PatchKit.Models.Segmentation;
using PatchKit.ScalingLaws;
using PatchKit.Training.Runs;
using PatchKit.Training.Tasks;
using static PatchKit.Experiments.Reports.ReportNumber;

namespace PatchKit.Experiments.Sweeps;

/// <summary>
/// The results of one backbone over patch sizes, decoders and seeds, in numbers and tables.
/// <see cref="DecoderClaims"/> has what is claimed of them.
/// </summary>
/// <param name="Results">segmentation runs, alike but for patch size, decoder and seed.</param>
public sealed record DecoderSummary(IReadOnlyList<RunResult> Results)
{
    /// <summary>Patch sizes, the largest first.</summary>
    public IReadOnlyList<int> Patches { get; } =
    [.. Results.Select(result => result.Config.Model.PatchSize).Distinct().OrderDescending()];

    /// <summary>Patch sizes at which both decoders were trained, the largest first.</summary>
    public IReadOnlyList<int> Compared =>
        [.. PatchesOf(DecoderKind.Linear).Where(patch => At(patch, DecoderKind.UperNet).Count > 0)];

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
    public ReportTable Table(DecoderKind decoder, string title) =>
        new RowsOver<IReadOnlyList<RunResult>>([.. PatchesOf(decoder).Select(patch => At(patch, decoder))])
            .Tokens()
            .MeanAndSpan("mIoU, %", run => Scores(run).MIoU, Percent, hasSpan: Seeds > 1)
            .Mean("aAcc, %", run => Scores(run).AAcc, Percent)
            .Mean("mAcc, %", run => Scores(run).MAcc, Percent)
            .Mean("test loss", run => run.Test.Loss, Number)
            .TrainingLoss()
            .Parameters()
            .Seconds()
            .UnderPatches(title);

    /// <summary>
    /// What UperNet gains over one linear layer, in mIoU and in loss, with its spread over the seeds.
    /// </summary>
    public ReportTable GapTable(string title)
    {
        bool severalSeeds = Gaps(Compared[0]).Count > 1;
        return new RowsOver<int>(Compared)
            .Row("linear, mIoU %", patch => Percent(MIoU(patch, DecoderKind.Linear)))
            .Row("UperNet, mIoU %", patch => Percent(MIoU(patch, DecoderKind.UperNet)))
            .Row("gain in mIoU, points", patch => Points(Gaps(patch).Mean))
            .RowIf(severalSeeds, "  standard deviation over seeds", patch => Deviation(Gaps(patch), Percent))
            .RowIf(severalSeeds, "  each seed", patch => string.Join(" ", Gaps(patch).Gains.Select(Points)))
            .Row("gain in test loss", patch => Signed(LossGaps(patch).Mean))
            .RowIf(severalSeeds, "  standard deviation over seeds", patch => Deviation(LossGaps(patch), Number))
            .Row(
                "  as a part of the linear loss, %",
                patch => Percent(LossGaps(patch).Mean / Loss(patch, DecoderKind.Linear))
            )
            .Under(title, patch => $"p={patch}");

        static string Deviation(PairedStep gaps, Func<double, string> text) =>
            gaps.Count > 1 ? text(gaps.Deviation) : "one seed";
    }

    /// <summary>The IoU of each class with a decoder, the mean over seeds.</summary>
    public ReportTable ClassTable(DecoderKind decoder, string title)
    {
        var rows = new RowsOver<IReadOnlyList<RunResult>>([.. PatchesOf(decoder).Select(patch => At(patch, decoder))]);
        var names = Scores(At(PatchesOf(decoder)[0], decoder)[0]).Classes;
        foreach (var (name, k) in names.Select((name, k) => (name, k)))
            rows.Row(name, runs => Share([.. runs.Select(run => Scores(run).IoU[k]).Where(double.IsFinite)]));
        return rows.UnderPatches(title, "IoU, %");

        static string Share(double[] ious) => ious.Length > 0 ? Percent(ious.Average()) : "absent";
    }

    /// <summary>Patch sizes with a decoder, the largest first.</summary>
    internal IReadOnlyList<int> PatchesOf(DecoderKind decoder) =>
        [.. Patches.Where(patch => At(patch, decoder).Count > 0)];

    private PairedStep Paired(int patch, string what, Func<RunResult, double> score, bool falls) =>
        PatchSummary.Step(
            $"{what}, p={patch}",
            At(patch, DecoderKind.Linear),
            At(patch, DecoderKind.UperNet),
            score,
            falls
        );
}
