using System.Globalization;
using PatchKit.Experiments.Reports;
using PatchKit.Experiments.Sweeps;
using PatchKit.ScalingLaws;

namespace PatchKit.Experiments.Verdicts;

/// <summary>
/// The one rule by which every verdict is made.
/// </summary>
/// <remarks>
/// <para>
/// A claim is a list of steps that must all go the claimed way, and seeds are paired: each step is the difference
/// between its two ends within one seed, counted as positive on the claimed side. For each step the differences give
/// Student's one-sided 95% interval of their mean, and beside it the exact sign test.
/// </para>
/// <list type="bullet">
/// <item><b>Shown</b>: at least three seeds have both ends of every step, and every step's interval lies on the claimed
/// side.</item>
/// <item><b>Shown in the mean</b>: at least three seeds, all means are on the claimed side, and the interval of a step
/// holds zero.</item>
/// <item><b>Not shown</b>: at least three seeds, and the mean of a step is zero or on the other side.</item>
/// <item><b>Not testable</b>: one or two seeds, the scale `smoke`, or nothing to compare.</item>
/// </list>
/// <para>
/// All steps must pass, so that no correction for their number is due: where the truth of one step is no difference or
/// the other side, that step passes once in twenty times at most, and with it "shown" (an intersection-union test;
/// Berger 1982). That holds for differences of about a normal distribution; the sign test asks nothing of it, but
/// cannot reach 5% with fewer than five seeds. tests/Experiments/Verdicts/VerdictRuleTests measures the rate
/// of false "shown", and the power.
/// </para>
/// <para>Other claims are put as such steps, too:</para>
/// <list type="bullet">
/// <item>A difference of differences (what a decoder adds diminishes; what parameters gain fades) has two: the first
/// difference is above zero, and it is greater than the last, seed by seed.</item>
/// <item>A share (longer sequences gain less than a quarter of what smaller patches gain) has two: the whole is above
/// zero, and the quarter of it is greater than the part.</item>
/// <item>A threshold (at least 20 points above an untrained detector) has the differences beyond it.</item>
/// <item>Growth (Table 6) pairs the rounds of a measurement in place of seeds: "faster" has the difference of two
/// factors; "in proportion" has two steps, the factor is greater than the proportion less the tolerance and less than
/// the proportion with it (two one-sided tests).</item>
/// </list>
/// <para>
/// A forecast (<see cref="OfForecast"/>) is an interval already. Shown: it holds what was measured at the smallest
/// patch, it lies wholly below the loss of the patch before, so that it foretold that the loss falls on, and that last
/// fall is itself shown; where the curve has stopped falling, that happens once in twenty times at most. Shown in the
/// mean: it holds what was measured, and one of the other two is missing. Not shown: it does not hold what was
/// measured. Not testable: fewer than three seeds, or an interval as wide as the whole curve is high, which holds
/// anything.
/// </para>
/// <para>Numbers that no seed changes, such as counts of parameters and the paper's printed cells, are compared as they
/// are (<see cref="OfNumbers"/>).</para>
/// </remarks>
public static class VerdictRule
{
    /// <summary>The fewest seeds that make an interval worth its name: with two, t is 6.3, with three 2.9.</summary>
    public const int FewestSeeds = 3;

    /// <summary>
    /// What a report says of the rule that made its verdicts, so that those of an earlier one are not taken for this
    /// one's.
    /// </summary>
    public const string Version = "seeds paired, one-sided 95% intervals";

    /// <summary>A sentence for a report whose verdicts an earlier rule made; null where this one did.</summary>
    internal static string? Earlier(Report report) =>
        report.Rule == Version
            ? null
            : "These verdicts are of an earlier rule, which compared means alone; `patchkit "
                + $"run {report.Experiment}`, and `patchkit record` for recorded ones, makes them anew.";

    // More steps than these are told by the weakest; the report's table has all.
    private const int MostSteps = 4;

    /// <summary>The verdict on a claim.</summary>
    /// <param name="claim">its steps.</param>
    /// <param name="scale">how large the runs were; at `smoke` nothing is testable.</param>
    public static Verdict Of(Claim claim, Scale scale)
    {
        var outcome = Decide(claim, scale);
        string[] sentences =
        [
            claim.Scores,
            outcome == Outcome.NotTestable ? WhyNot(claim, scale) : "",
            Steps(claim),
            Alone(claim),
            claim.Beside,
        ];
        return new Verdict(claim.Effect, outcome, string.Join(' ', sentences.Where(sentence => sentence.Length > 0)));
    }

    /// <summary>The verdicts on some claims, in their order.</summary>
    /// <param name="claims">the claims.</param>
    /// <param name="scale">how large the runs were.</param>
    public static IReadOnlyList<Verdict> Of(IEnumerable<Claim> claims, Scale scale) =>
        [.. claims.Select(claim => Of(claim, scale))];

    /// <summary>
    /// The verdict on a comparison of numbers that no seed changes: counts, or what the paper printed.
    /// </summary>
    /// <param name="effect">the claim, in a sentence.</param>
    /// <param name="holds">whether the numbers agree with it.</param>
    /// <param name="because">the numbers.</param>
    public static Verdict OfNumbers(string effect, bool holds, string because) =>
        new(effect, holds ? Outcome.Shown : Outcome.NotShown, because);

    /// <summary>The verdict on the claim that a law fitted to the larger patches foretells the smallest.</summary>
    /// <param name="effect">the claim, in a sentence.</param>
    /// <param name="forecasts">a test for each curve that the claim is about, at least one.</param>
    /// <param name="last">the fall from the patch before to the smallest, seed by seed; null for the paper's panels,
    /// which are one reading each.</param>
    /// <param name="scale">how large the runs were.</param>
    /// <param name="because">the numbers.</param>
    public static Verdict OfForecast(
        string effect,
        IReadOnlyList<SmallestPatchTest> forecasts,
        PairedStep? last,
        Scale scale,
        string because
    )
    {
        if (last is not null && scale == Scale.Smoke)
            return new(effect, Outcome.NotTestable, $"{because} At smoke nothing is tested.");
        if (last?.Count < FewestSeeds)
            return new(
                effect,
                Outcome.NotTestable,
                $"{because} It takes {FewestSeeds} seeds at the smallest patch; "
                    + $"there {(last.Count == 1 ? "is one" : $"are {last.Count}")}."
            );
        var telling = forecasts.Where(forecast => forecast.Says).ToList();
        if (telling.Count == 0)
            return new(
                effect,
                Outcome.NotTestable,
                $"{because} An interval as wide as the curve is high says nothing."
            );
        bool fell = last is null || last.LowerEnd > 0;
        return new(
            effect,
            !telling.All(forecast => forecast.Covered) ? Outcome.NotShown
                : fell && telling.All(forecast => forecast.ForetellsAFall) ? Outcome.Shown
                : Outcome.ShownInTheMean,
            fell
                ? because
                : $"{because} The fall itself is not shown: {ReportNumber.Signed(last!.Mean)}, at "
                    + $"least {ReportNumber.Signed(last.LowerEnd)}."
        );
    }

    /// <summary>The steps behind some claims: means, intervals, sign tests, and the seeds taken alone.</summary>
    /// <param name="claims">the claims; those without a step are left out.</param>
    public static ReportTable Table(IEnumerable<Claim> claims) =>
        new(
            "The steps behind the verdicts: the mean difference towards the claim, where its one-sided 95% "
                + "interval begins, and the exact sign test",
            ["claim", "step", "seeds or rounds", "mean", "at least", "on the claimed side", "sign test", "each"],
            [
                .. from claim in claims
                from step in claim.Steps
                select (IReadOnlyList<string>)
                    [
                        claim.Effect,
                        step.Name,
                        $"{step.Count}",
                        step.Count == 0 ? "none" : claim.Text(step.Mean),
                        step.Count < 2 ? "no interval" : claim.Text(step.LowerEnd),
                        $"{step.Agreeing} of {step.Count}",
                        Probability(step),
                        step.Count == 0 ? "none" : string.Join(" ", step.Gains.Select(claim.Text)),
                    ],
            ]
        );

    private static Outcome Decide(Claim claim, Scale scale) =>
        scale == Scale.Smoke
        || claim.Missing.Length > 0
        || claim.Steps.Count == 0
        || claim.Steps.Any(step => step.Count < FewestSeeds)
            ? Outcome.NotTestable
        : claim.Steps.All(step => step.LowerEnd > 0) ? Outcome.Shown
        : claim.Steps.All(step => step.Mean > 0) ? Outcome.ShownInTheMean
        : Outcome.NotShown;

    private static string WhyNot(Claim claim, Scale scale)
    {
        if (claim.Missing.Length > 0)
            return claim.Missing;
        if (scale == Scale.Smoke)
            return "At smoke nothing is tested.";
        if (claim.Steps.MinBy(step => step.Count) is not { } least)
            return "There is nothing to compare.";
        return $"An interval takes {FewestSeeds} {claim.Pairs}; {least.Name} "
            + $"has {(least.Count == 0 ? "none" : $"{least.Count}")}.";
    }

    private static string Steps(Claim claim)
    {
        if (claim.Steps.All(step => step.Count == 0))
            return "";
        var told =
            claim.Steps.Count <= MostSteps
                ? claim.Steps
                : [claim.Steps.MinBy(step => step.Count < 2 ? step.Mean : step.LowerEnd)!];
        string all = claim.Steps.Count <= MostSteps ? "" : $"The weakest of {claim.Steps.Count} steps: ";
        return $"{all}{string.Join("; ", told.Where(step => step.Count > 0).Select(Words))}.";

        string Words(PairedStep step) =>
            $"{step.Name} {claim.Text(step.Mean)}{(step.Count < 2 ? "" : Certainty(step))}";

        string Certainty(PairedStep step) =>
            $" (at least {claim.Text(step.LowerEnd)}; {step.Agreeing} of {step.Count} {claim.Pairs}, "
            + $"sign test {Probability(step)})";
    }

    // A seed that lacks a step of the claim is no whole one.
    private static string Alone(Claim claim)
    {
        if (claim.Steps.Count == 0)
            return "";
        var whole = claim
            .Steps.Select(step => step.Pairs.Select(pair => pair.Seed))
            .Aggregate((one, other) => one.Intersect(other))
            .ToList();
        int agreeing = whole.Count(seed =>
            claim.Steps.All(step => step.Pairs.First(pair => pair.Seed == seed).Gain > 0)
        );
        return whole.Count switch
        {
            0 => "",
            1 => $"One {claim.Pairs.TrimEnd('s')}.",
            _ => $"In {agreeing} of {whole.Count} {claim.Pairs} taken alone.",
        };
    }

    private static string Probability(PairedStep step) =>
        step.Count == 0 ? "none" : step.SignTest.ToString("0.000", CultureInfo.InvariantCulture);
}
