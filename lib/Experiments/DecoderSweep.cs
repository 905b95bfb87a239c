using System.Globalization;
using PatchKit.Metrics;
using PatchKit.Models;
using PatchKit.Training;

namespace PatchKit.Experiments;

/// <summary>The results of one backbone over patch sizes, decoders and seeds, and what can be said of the decoder's advantage.</summary>
/// <param name="Results">segmentation runs, alike but for patch size, decoder and seed.</param>
public sealed record DecoderSweep(IReadOnlyList<RunResult> Results)
{
    /// <summary>Patch sizes, the largest first.</summary>
    public IReadOnlyList<int> Patches { get; } = [.. Results.Select(result => result.Config.Model.PatchSize).Distinct().OrderDescending()];

    /// <summary>Patch sizes at which both decoders were trained, the largest first.</summary>
    public IReadOnlyList<int> Compared => [.. Patches.Where(patch => At(patch, DecoderKind.Linear).Count > 0 && At(patch, DecoderKind.UperNet).Count > 0)];

    /// <summary>How many seeds the largest patch has with one linear layer.</summary>
    public int Seeds => At(Patches[0], DecoderKind.Linear).Count;

    /// <summary>The decoder of a run.</summary>
    public static DecoderKind Decoder(RunConfig config) => ((SegmentationTask)config.Task!).Decoder.Decoder;

    /// <summary>The scores of a run.</summary>
    public static SegmentationResult Scores(RunResult result) => (SegmentationResult)result.Scores!;

    /// <summary>The results at a patch size with a decoder, in the order of their seeds.</summary>
    public IReadOnlyList<RunResult> At(int patch, DecoderKind decoder) =>
        [.. Results.Where(result => result.Config.Model.PatchSize == patch && Decoder(result.Config) == decoder).OrderBy(result => result.Config.Seed)];

    /// <summary>The mean mIoU at a patch size with a decoder, 0 to 1; NaN where there is none.</summary>
    public double MIoU(int patch, DecoderKind decoder) => At(patch, decoder).Select(result => Scores(result).MIoU).DefaultIfEmpty(double.NaN).Average();

    /// <summary>The mean test loss at a patch size with a decoder; NaN where there is none.</summary>
    public double Loss(int patch, DecoderKind decoder) => At(patch, decoder).Select(result => result.Test.Loss).DefaultIfEmpty(double.NaN).Average();

    /// <summary>What UperNet gains over one linear layer in mIoU, 0 to 1, for each seed that has both.</summary>
    public IReadOnlyList<double> Gaps(int patch) => Paired(patch, (linear, upernet) => Scores(upernet).MIoU - Scores(linear).MIoU);

    /// <summary>How much lower UperNet's test loss is than the linear layer's, for each seed that has both.</summary>
    public IReadOnlyList<double> LossGaps(int patch) => Paired(patch, (linear, upernet) => linear.Test.Loss - upernet.Test.Loss);

    /// <summary>mIoU, its spread, accuracies, losses and seconds with a decoder.</summary>
    public ReportTable Table(DecoderKind decoder, string title)
    {
        int[] patches = [.. Patches.Where(patch => At(patch, decoder).Count > 0)];
        return new(title, ["", .. patches.Select(patch => $"p={patch}")],
        [
            Row("tokens", runs => $"{runs[0].Config.Model.TokenGrid.Count}"),
            Row("mIoU, %", runs => PatchSweep.Percent(runs.Average(run => Scores(run).MIoU))),
            .. Seeds > 1 ? [Row("  from .. to", runs => runs.Count > 1 ? $"{PatchSweep.Percent(runs.Min(run => Scores(run).MIoU))} .. {PatchSweep.Percent(runs.Max(run => Scores(run).MIoU))}" : "one seed")] : Array.Empty<IReadOnlyList<string>>(),
            Row("aAcc, %", runs => PatchSweep.Percent(runs.Average(run => Scores(run).AAcc))),
            Row("mAcc, %", runs => PatchSweep.Percent(runs.Average(run => Scores(run).MAcc))),
            Row("test loss", runs => PatchSweep.Number(runs.Average(run => run.Test.Loss))),
            Row("training loss, at the end", runs => PatchSweep.Number(runs.Average(run => run.TrainingLoss))),
            Row("parameters", runs => runs[0].Parameters.ToString("N0", CultureInfo.InvariantCulture)),
            Row("seconds of training", runs => runs.Average(run => run.Seconds).ToString("0", CultureInfo.InvariantCulture)),
        ]);

        IReadOnlyList<string> Row(string name, Func<IReadOnlyList<RunResult>, string> cell) => [name, .. patches.Select(patch => cell(At(patch, decoder)))];
    }

    /// <summary>What UperNet gains over one linear layer, in mIoU and in loss, with its spread over the seeds.</summary>
    public ReportTable GapTable(string title) => new(title, ["", .. Compared.Select(patch => $"p={patch}")],
    [
        Row("linear, mIoU %", patch => PatchSweep.Percent(MIoU(patch, DecoderKind.Linear))),
        Row("UperNet, mIoU %", patch => PatchSweep.Percent(MIoU(patch, DecoderKind.UperNet))),
        Row("gain in mIoU, points", patch => Points(Gaps(patch).Average())),
        .. Gaps(Compared[0]).Count > 1 ?
        [
            Row("  standard deviation over seeds", patch => Gaps(patch).Count > 1 ? (100 * Deviation(Gaps(patch))).ToString("0.0", CultureInfo.InvariantCulture) : "one seed"),
            Row("  each seed", patch => string.Join(" ", Gaps(patch).Select(Points))),
        ] : Array.Empty<IReadOnlyList<string>>(),
        Row("gain in test loss", patch => PatchSweep.Signed(LossGaps(patch).Average())),
        .. LossGaps(Compared[0]).Count > 1 ? [Row("  standard deviation over seeds", patch => LossGaps(patch).Count > 1 ? PatchSweep.Number(Deviation(LossGaps(patch))) : "one seed")] : Array.Empty<IReadOnlyList<string>>(),
        Row("  as a part of the linear loss, %", patch => PatchSweep.Percent(LossGaps(patch).Average() / Loss(patch, DecoderKind.Linear))),
    ]);

    /// <summary>The IoU of each class with a decoder, the mean over seeds.</summary>
    public ReportTable ClassTable(DecoderKind decoder, string title)
    {
        int[] patches = [.. Patches.Where(patch => At(patch, decoder).Count > 0)];
        var names = Scores(At(patches[0], decoder)[0]).Classes;
        return new(title, ["IoU, %", .. patches.Select(patch => $"p={patch}")], [.. names.Select((name, k) => (IReadOnlyList<string>)[name, .. patches.Select(patch => Share(At(patch, decoder).Select(run => Scores(run).IoU[k]).Where(iou => !double.IsNaN(iou))))])]);

        static string Share(IEnumerable<double> ious) => ious.Any() ? PatchSweep.Percent(ious.Average()) : "absent";
    }

    /// <summary>Whether mIoU rises at every halving with one linear layer: in the mean, and in how many seeds.</summary>
    public Verdict Rises(string effect)
    {
        var patches = Patches.Where(patch => At(patch, DecoderKind.Linear).Count > 0).ToList();
        if (patches.Count < 3) return new Verdict(effect, Outcome.NotTestable, $"{patches.Count} patch sizes make no curve.");
        var means = patches.Select(patch => MIoU(patch, DecoderKind.Linear)).ToList();
        var seeds = Results.Where(result => Decoder(result.Config) == DecoderKind.Linear).GroupBy(result => result.Config.Seed).Select(seed => seed.OrderByDescending(result => result.Config.Model.PatchSize).Select(result => Scores(result).MIoU).ToList()).ToList();
        string whole = seeds.Count == 1 ? "One seed." : $"In {seeds.Count(Rising)} of {seeds.Count} seeds taken alone.";
        if (!Rising(means) && means[^1] == means.Max()) whole = $"The smallest patch has the highest mIoU, but the curve is not monotone. {whole}";
        return Verdict.Of(effect, Rising(means), $"{string.Join(", ", patches.Zip(means).Select(point => $"p={point.First} {PatchSweep.Percent(point.Second)} %"))}. {whole}");
    }

    /// <summary>Whether the decoder's advantage in mIoU is smaller at the smallest patch than at the largest, by more than its spread over the seeds.</summary>
    public Verdict Diminishes(string effect) => Diminishes(effect, Gaps, Points, "mIoU", "points");

    /// <summary>The same of the test loss.</summary>
    public Verdict LossDiminishes(string effect) => Diminishes(effect, LossGaps, PatchSweep.Signed, "test loss", "nats");

    private Verdict Diminishes(string effect, Func<int, IReadOnlyList<double>> gaps, Func<double, string> text, string what, string unit)
    {
        if (Compared.Count < 2) return new Verdict(effect, Outcome.NotTestable, "Both decoders were trained at fewer than two patch sizes.");
        var (large, small) = (gaps(Compared[0]), gaps(Compared[^1]));
        double first = large.Average(), last = small.Average();
        string curve = $"UperNet's gain in {what}: {string.Join(", ", Compared.Select(patch => $"p={patch} {text(gaps(patch).Average())}{(large.Count > 1 ? $" +- {Plain(Deviation(gaps(patch)))}" : "")}"))} {unit}.";
        if (first <= 0) return new Verdict(effect, Outcome.NotTestable, $"{curve} At the largest patch UperNet gains nothing here, so that there is no advantage to diminish.");
        var seeds = Results.Where(result => result.Config.Model.PatchSize == Compared[0] && Decoder(result.Config) == DecoderKind.Linear).Select(result => result.Config.Seed).Order().ToList();
        var falls = large.Zip(small).Select(pair => pair.First - pair.Second).ToList();
        if (last >= first) return new Verdict(effect, Outcome.NotShown, $"{curve} The gain does not shrink from the largest patch to the smallest.");
        int narrower = falls.Count(fall => fall > 0);
        string count = seeds.Count == 1 ? "One seed." : $"Smaller at the smallest patch in {narrower} of {falls.Count} seeds.";
        bool clear = falls.Count > 2 && narrower == falls.Count && falls.Average() > 2 * Deviation(falls) / Math.Sqrt(falls.Count);
        return clear ? new Verdict(effect, Outcome.Shown, $"{curve} {count}") : new Verdict(effect, Outcome.NotTestable, $"{curve} {count} The gain shrinks in the mean, but not by more than its spread over the seeds{(falls.Count < 3 ? ", which takes three of them" : "")}.");

        string Plain(double value) => text(value).TrimStart('+');
    }

    private static bool Rising(List<double> values) => values.Zip(values.Skip(1)).All(pair => pair.Second > pair.First);

    private static string Points(double share) => (100 * share).ToString("+0.0;-0.0", CultureInfo.InvariantCulture);

    private static double Deviation(IReadOnlyList<double> values)
    {
        double mean = values.Average();
        return values.Count < 2 ? double.NaN : Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / (values.Count - 1));
    }

    private IReadOnlyList<double> Paired(int patch, Func<RunResult, RunResult, double> difference) =>
        [.. from linear in At(patch, DecoderKind.Linear) from upernet in At(patch, DecoderKind.UperNet) where upernet.Config.Seed == linear.Config.Seed select difference(linear, upernet)];

    private IReadOnlyList<string> Row(string name, Func<int, string> cell) => [name, .. Compared.Select(cell)];
}
