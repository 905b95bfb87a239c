using System.Globalization;
using PatchKit.Experiments.Reports;
using PatchKit.Experiments.Verdicts;
using PatchKit.ScalingLaws;
using PatchKit.Training.Runs;
using static PatchKit.Experiments.Reports.ReportNumber;

namespace PatchKit.Experiments.Sweeps;

/// <summary>The results of one model over patch sizes and seeds, and what can be said of them.</summary>
/// <param name="Results">alike but for patch size and seed.</param>
public sealed record PatchSummary(IReadOnlyList<RunResult> Results)
{
    private static readonly string[] s_bits = ["shape", "blotch", "fleck", "speck"];

    /// <summary>Patch sizes, the largest first.</summary>
    public IReadOnlyList<int> Patches { get; } =
    [.. Results.Select(result => result.Config.Model.PatchSize).Distinct().OrderDescending()];

    /// <summary>How many seeds the largest patch has.</summary>
    public int Seeds => At(Patches[0]).Count;

    /// <summary>The results at a patch size, in the order of their seeds.</summary>
    public IReadOnlyList<RunResult> At(int patch) =>
        [.. Results.Where(result => result.Config.Model.PatchSize == patch).OrderBy(result => result.Config.Seed)];

    /// <summary>The mean test loss at a patch size.</summary>
    public double Loss(int patch) => At(patch).Average(result => result.Test.Loss);

    /// <summary>Test loss, its spread, training loss, accuracy, seconds.</summary>
    public ReportTable Table(string title) =>
        Rows()
            .Tokens()
            .MeanAndSpan("test loss", run => run.Test.Loss, Number, hasSpan: Seeds > 1)
            .TrainingLoss()
            .Mean("top-1, %", run => run.Test.Top1, Percent)
            .Row("MMACs per image", Megamacs)
            .Seconds()
            .UnderPatches(title);

    /// <summary>
    /// How often each scale of detail is right, in percent; null where the images do not have all four.
    /// </summary>
    public ReportTable? BitTable(string title)
    {
        if (Results.Any(result => result.Test.Bits is null))
            return null;
        var rows = Rows();
        foreach (var (bit, i) in s_bits.Select((bit, i) => (bit, i)))
            rows.Mean(bit, run => run.Test.Bits![i], Percent);
        return rows.UnderPatches(title, "right about, %");
    }

    /// <summary>
    /// Floor, exponent, and the smallest patch predicted from the larger ones; null with too few points for a law with
    /// a floor.
    /// </summary>
    public ReportTable? FitTable(string title)
    {
        LossPoint[] points =
        [
            .. Results.Select(result => new LossPoint(result.Config.Model.PatchSize, result.Test.Loss)),
        ];
        if (Patches.Count < 4 || Results.Count(result => result.Config.Model.PatchSize > Patches[^1]) < 4)
            return null;
        var choice = PowerLawChoice.ByHeldOutError(points);
        PowerLawFit all = PowerLawFit.To(points),
            plain = PowerLawFit.To(points, PowerLawForm.Plain);
        var (withFloor, withoutFloor) = (choice.WithFloor, choice.Plain);
        List<IReadOnlyList<string>> rows =
        [
            ["fitted to all", $"{all.Law}", $"{plain.Law}"],
            ["95% interval of the floor", $"{all.FloorInterval}", ""],
            ["95% interval of alpha", $"{all.AlphaInterval}", ""],
            [$"p={Patches[^1]} predicted from the larger", Foretold(withFloor), Foretold(withoutFloor)],
            ["  measured", Number(withFloor.Measured), Number(withoutFloor.Measured)],
            ["  missed by", Signed(withFloor.Miss), Signed(withoutFloor.Miss)],
        ];
        AddBounds("keep in mind", all, plain);
        AddBounds($"  of the fit without p={Patches[^1]}", withFloor.Fit, withoutFloor.Fit);
        rows.Add(["chosen by that miss", Chosen(PowerLawForm.WithFloor), Chosen(PowerLawForm.Plain)]);
        return new ReportTable(title, ["", "law with a floor", "plain power law"], rows);

        void AddBounds(string name, PowerLawFit floor, PowerLawFit none)
        {
            if (floor.AlphaAtBound is not null || none.AlphaAtBound is not null)
                rows.Add([name, floor.AlphaAtBound ?? "", none.AlphaAtBound ?? ""]);
        }

        string Chosen(PowerLawForm form) => choice.Fit.Form == form ? "yes" : "";

        static string Foretold(SmallestPatchTest test) => $"{Number(test.Prediction.Loss)} {test.Prediction.Interval}";
    }

    /// <summary>The claim that the loss falls with every step to a smaller patch.</summary>
    public Claim Falls(string effect) => Curve(effect, run => run.Test.Loss, falls: true, Number, Signed);

    /// <summary>The claim that a score falls, or rises, with every step to a smaller patch.</summary>
    /// <param name="effect">the claim, in a sentence.</param>
    /// <param name="score">of a run.</param>
    /// <param name="falls">whether it is claimed to fall.</param>
    /// <param name="number">a score in words.</param>
    /// <param name="difference">a difference in words.</param>
    internal Claim Curve(
        string effect,
        Func<RunResult, double> score,
        bool falls,
        Func<double, string> number,
        Func<double, string> difference
    )
    {
        var means = Patches.Select(patch => At(patch).Average(score)).ToList();
        bool best = means[^1] == (falls ? means.Min() : means.Max()),
            ordered = falls ? means.IsFalling() : means.IsRising();
        var scores = Patches.Zip(means).Select(point => $"p={point.First} {number(point.Second)}");
        string bend =
            best && !ordered
                ? $" The smallest patch has the {(falls ? "lowest" : "highest")} mean, but the curve is not monotone."
                : "";
        return new Claim(
            effect,
            [.. Patches.Zip(Patches.Skip(1), (from, to) => Step($"{from} to {to}", At(from), At(to), score, falls))]
        )
        {
            Scores = $"{string.Join(", ", scores)}.{bend}",
            Missing =
                Patches.Count < 3
                    ? $"{Patches.Count} patch {(Patches.Count == 1 ? "size makes" : "sizes make")} no curve."
                    : "",
            Text = difference,
        };
    }

    /// <summary>A step between the runs of two settings, paired by their seeds.</summary>
    internal static PairedStep Step(
        string name,
        IEnumerable<RunResult> from,
        IEnumerable<RunResult> to,
        Func<RunResult, double> score,
        bool falls = true
    ) =>
        falls
            ? PairedStep.Fall(name, Seeded(from, score), Seeded(to, score))
            : PairedStep.Rise(name, Seeded(from, score), Seeded(to, score));

    private static IEnumerable<(long Seed, double Score)> Seeded(
        IEnumerable<RunResult> runs,
        Func<RunResult, double> score
    ) => runs.Select(run => (run.Config.Seed, score(run)));

    internal static string MeanOf(int seeds) => seeds == 1 ? ", one seed" : $", mean of {seeds} seeds";

    /// <summary>Rows over the patch sizes, each with its runs.</summary>
    internal RowsOver<IReadOnlyList<RunResult>> Rows() => new([.. Patches.Select(At)]);

    private static string Megamacs(IReadOnlyList<RunResult> runs) =>
        (runs[0].Config.Model.Cost().Macs / 1e6).ToString("0.0", CultureInfo.InvariantCulture);
}
