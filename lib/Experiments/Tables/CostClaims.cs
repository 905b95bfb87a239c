using System.Globalization;
using PatchKit.Experiments.Verdicts;
using PatchKit.Models;
using PatchKit.ScalingLaws;
using static PatchKit.Experiments.Reports.ReportNumber;
using static PatchKit.Experiments.Tables.CostTables;

namespace PatchKit.Experiments.Tables;

/// <summary>
/// What Table 6 says of how cost grows, for one setting: each claim rests on the factor of the last two halvings, round
/// by round.
/// </summary>
internal sealed class CostClaims(CostSetting setting, GrowthCurve vit, GrowthCurve adventurer)
{
    // How far a factor may be from the one it is compared with.
    private const double Tolerance = .2;

    private readonly string _halving = $"from p={setting.Patches[^3]} to {setting.Patches[^1]}";
    private readonly double _tokens = adventurer.LateFactor(point => point.Model.Tokens)!.Value;
    private readonly PairedStep _vitTime = vit.LateRounds("the ViT's"),
        _adventurerTime = adventurer.LateRounds("Adventurer's");
    private readonly string _missing =
        vit.Points[^1].Cost is null || adventurer.Points[^1].Cost is null ? "One of them was not measured." : "";

    /// <summary>All of them.</summary>
    internal IEnumerable<Claim> All =>
        [TimeGrowsFaster(), TimeGrowsWithTokens(), AttentionRulesTime(), MemoryGrowsWithTokens()];

    /// <summary>The verdict on the paper's own hours: whether they grow as the cost model's operations do.</summary>
    internal static Verdict HoursFollowMacs()
    {
        int[] patches = [.. PaperNumbers.Table6.Select(row => row.PatchSize)];
        var ratios = (
            from family in Enum.GetValues<Family>()
            let curve = GrowthCurve.OfPaper(family, patches)
            from pair in curve.Factors(curve.PaperHours).Zip(curve.Factors(Macs))
            select pair.First!.Value / pair.Second!.Value
        ).ToList();
        return VerdictRule.OfNumbers(
            "The paper's GPU hours grow as multiply-accumulates do",
            ratios.All(ratio => ratio is > 1 - Tolerance and < 1 + Tolerance),
            string.Create(
                CultureInfo.InvariantCulture,
                $"Over {ratios.Count} halvings the hours' factor is {ratios.Min():0.00} to {ratios.Max():0.00} "
                    + $"of the multiply-accumulates'."
            )
        );
    }

    private Claim TimeGrowsFaster() =>
        OfGrowth(
            "the ViT's time grows faster than Adventurer's",
            _missing,
            [_vitTime.Less("the ViT's factor less Adventurer's", _adventurerTime)],
            $"{Sentence(_halving)} each halving multiplies the ViT's by {Factor(vit.LateFactor(Time))}, "
                + $"Adventurer's by {Factor(adventurer.LateFactor(Time))}; their multiply-accumulates "
                + $"by {Factor(vit.LateFactor(Macs))} and {Factor(adventurer.LateFactor(Macs))}."
        );

    private Claim TimeGrowsWithTokens() =>
        OfGrowth(
            "Adventurer's time grows in proportion to the tokens",
            _missing,
            InProportion(_adventurerTime),
            $"{Sentence(_halving)} each halving multiplies it by {Factor(adventurer.LateFactor(Time))}, and "
                + $"the tokens by {Factor(_tokens)}; up to {Percent(Tolerance)} % more or less is "
                + "called in proportion."
        );

    private Claim AttentionRulesTime()
    {
        var longest = vit.Points[^1].Model;
        double share = AttentionShare(longest);
        return OfGrowth(
            "attention rules the ViT's time at the longest sequence",
            share < .5 ? "Less than half rules nothing." : _missing,
            [_vitTime.Beyond("the ViT's factor, beyond the tokens' and the tolerance", _tokens * (1 + Tolerance))],
            $"It is {Percent(share)} % of the multiply-accumulates over {longest.Tokens} tokens; {_halving} each "
                + $"halving multiplies the time by {Factor(vit.LateFactor(Time))}, and "
                + $"the tokens by {Factor(_tokens)}."
        );
    }

    private Claim MemoryGrowsWithTokens()
    {
        const string Effect = "memory grows in proportion to the tokens in both";
        if (vit.LateFactor(Memory) is not { } ofVit || adventurer.LateFactor(Memory) is not { } ofAdventurer)
            return new Claim($"{setting.Title}: {Effect}", []) { Missing = "It is not measured on this device." };
        return OfGrowth(
            Effect,
            _missing,
            [.. InProportion(Counted(_vitTime, ofVit)), .. InProportion(Counted(_adventurerTime, ofAdventurer))],
            $"{Sentence(_halving)} each halving multiplies the ViT's by {Factor(ofVit)}, Adventurer's "
                + $"by {Factor(ofAdventurer)}, the tokens by {Factor(_tokens)}."
        );
    }

    private Claim OfGrowth(string effect, string missing, IReadOnlyList<PairedStep> steps, string scores) =>
        new($"{setting.Title}: {effect}", missing.Length > 0 ? [] : steps)
        {
            Scores = scores,
            Missing = missing,
            Pairs = "rounds",
            Text = factor => factor.ToString("+0.00;-0.00;0.00", CultureInfo.InvariantCulture),
        };

    private IReadOnlyList<PairedStep> InProportion(PairedStep factor) =>
        [
            factor.Beyond($"{factor.Name} factor, beyond the least in proportion", _tokens * (1 - Tolerance)),
            factor
                .Part("", -1)
                .Beyond($"{factor.Name} factor, below the most in proportion", -_tokens * (1 + Tolerance)),
        ];

    // Bytes are counted, not timed: each round has the same.
    private static PairedStep Counted(PairedStep rounds, double factor) =>
        rounds with
        {
            Pairs = [.. rounds.Pairs.Select(pair => (pair.Seed, factor))],
        };

    private static double? Time(CostPoint point) => point.Cost?.PerImage;

    private static double? Memory(CostPoint point) => point.Cost?.BytesPerImage;

    private static double? Macs(CostPoint point) => point.Model.Macs;

    private static string Sentence(string words) => char.ToUpperInvariant(words[0]) + words[1..];
}
