using System.Globalization;
using PatchKit.ScalingLaws;
using PatchKit.Training;

namespace PatchKit.Experiments;

/// <summary>The results of one model over patch sizes and seeds, and what can be said of them.</summary>
/// <param name="Results">alike but for patch size and seed.</param>
public sealed record PatchSweep(IReadOnlyList<RunResult> Results)
{
    private static readonly string[] s_bits = ["shape", "blotch", "fleck", "speck"];

    /// <summary>Patch sizes, the largest first.</summary>
    public IReadOnlyList<int> Patches { get; } = [.. Results.Select(result => result.Config.Model.PatchSize).Distinct().OrderDescending()];

    /// <summary>How many seeds the largest patch has.</summary>
    public int Seeds => At(Patches[0]).Count;

    /// <summary>The results at a patch size, in the order of their seeds.</summary>
    public IReadOnlyList<RunResult> At(int patch) => [.. Results.Where(result => result.Config.Model.PatchSize == patch).OrderBy(result => result.Config.Seed)];

    /// <summary>The mean test loss at a patch size.</summary>
    public double Loss(int patch) => At(patch).Average(result => result.Test.Loss);

    /// <summary>Test loss, its spread, training loss, accuracy, seconds.</summary>
    public ReportTable Table(string title) => new(title, ["", .. Patches.Select(patch => $"p={patch}")],
    [
        Row("tokens", runs => $"{runs[0].Config.Model.TokenGrid.Count}"),
        Row("test loss", runs => Number(runs.Average(run => run.Test.Loss))),
        .. Seeds > 1 ? [Row("  from .. to", runs => runs.Count > 1 ? $"{Number(runs.Min(run => run.Test.Loss))} .. {Number(runs.Max(run => run.Test.Loss))}" : "one seed")] : Array.Empty<IReadOnlyList<string>>(),
        Row("training loss, at the end", runs => Number(runs.Average(run => run.TrainingLoss))),
        Row("top-1, %", runs => Percent(runs.Average(run => run.Test.Top1))),
        Row("MMACs per image", runs => (runs[0].Config.Model.Cost().Macs / 1e6).ToString("0.0", CultureInfo.InvariantCulture)),
        Row("seconds of training", runs => runs.Average(run => run.Seconds).ToString("0", CultureInfo.InvariantCulture)),
    ]);

    /// <summary>How often each scale of detail is right, in percent; null where the images do not have all four.</summary>
    public ReportTable? BitTable(string title) => Results.Any(result => result.Test.Bits is null) ? null : new(title, ["right about, %", .. Patches.Select(patch => $"p={patch}")],
        [.. s_bits.Select((bit, i) => Row(bit, runs => Percent(runs.Average(run => run.Test.Bits![i]))))]);

    /// <summary>Floor, exponent, and the smallest patch predicted from the larger ones; null with too few points for a law with a floor.</summary>
    public ReportTable? FitTable(string title)
    {
        LossPoint[] points = [.. Results.Select(result => new LossPoint(result.Config.Model.PatchSize, result.Test.Loss))];
        if (Patches.Count < 4 || Results.Count(result => result.Config.Model.PatchSize > Patches[^1]) < 4) return null;
        var choice = PowerLawChoice.ByHeldOutError(points);
        PowerLawFit all = PowerLawFit.To(points), plain = PowerLawFit.To(points, PowerLawForm.Plain);
        return new ReportTable(title, ["", "law with a floor", "plain power law"],
        [
            ["fitted to all", $"{all.Law}", $"{plain.Law}"],
            ["95% interval of the floor", $"{all.FloorInterval}", ""],
            ["95% interval of alpha", $"{all.AlphaInterval}", ""],
            [$"p={Patches[^1]} predicted from the larger", $"{Number(choice.WithFloor.Prediction.Loss)} {choice.WithFloor.Prediction.Interval}", $"{Number(choice.Plain.Prediction.Loss)} {choice.Plain.Prediction.Interval}"],
            ["  measured", Number(choice.WithFloor.Measured), Number(choice.Plain.Measured)],
            ["  missed by", Signed(choice.WithFloor.Miss), Signed(choice.Plain.Miss)],
            .. all.AlphaAtBound is not null || plain.AlphaAtBound is not null ? [["keep in mind", all.AlphaAtBound ?? "", plain.AlphaAtBound ?? ""]] : Array.Empty<IReadOnlyList<string>>(),
            .. choice.WithFloor.Fit.AlphaAtBound is not null || choice.Plain.Fit.AlphaAtBound is not null
                ? [[$"  of the fit without p={Patches[^1]}", choice.WithFloor.Fit.AlphaAtBound ?? "", choice.Plain.Fit.AlphaAtBound ?? ""]] : Array.Empty<IReadOnlyList<string>>(),
            ["chosen by that miss", choice.Fit.Form == PowerLawForm.WithFloor ? "yes" : "", choice.Fit.Form == PowerLawForm.Plain ? "yes" : ""],
        ]);
    }

    /// <summary>Whether the loss falls at every halving: in the mean, and in how many seeds.</summary>
    public Verdict Falls(string effect)
    {
        if (Patches.Count < 3) return new Verdict(effect, Outcome.NotTestable, $"{Patches.Count} patch sizes make no curve.");
        var means = Patches.Select(Loss).ToList();
        bool falls = Falling(means);
        var whole = Results.GroupBy(result => result.Config.Seed).Select(seed => seed.OrderByDescending(result => result.Config.Model.PatchSize).Select(result => result.Test.Loss).ToList()).ToList();
        string seeds = whole.Count == 1 ? "One seed." : $"In {whole.Count(Falling)} of {whole.Count} seeds taken alone.";
        string curve = string.Join(", ", Patches.Zip(means).Select(point => $"p={point.First} {Number(point.Second)}"));
        if (!falls && means[^1] == means.Min()) seeds = $"The smallest patch has the lowest loss, but the curve is not monotone. {seeds}";
        return Verdict.Of(effect, falls, $"{curve}. {seeds}");
    }

    internal static string MeanOf(int seeds) => seeds == 1 ? ", one seed" : $", mean of {seeds} seeds";

    internal static string Number(double value) => value.ToString("0.000", CultureInfo.InvariantCulture);

    internal static string Signed(double value) => value.ToString("+0.000;-0.000", CultureInfo.InvariantCulture);

    internal static string Percent(double part) => (100 * part).ToString("0.0", CultureInfo.InvariantCulture);

    private static bool Falling(List<double> losses) => losses.Zip(losses.Skip(1)).All(pair => pair.Second < pair.First);

    private IReadOnlyList<string> Row(string name, Func<IReadOnlyList<RunResult>, string> cell) => [name, .. Patches.Select(patch => cell(At(patch)))];
}
