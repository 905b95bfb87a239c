using PatchKit.Experiments.Verdicts;
using PatchKit.Models.Segmentation;
using PatchKit.ScalingLaws;
using static PatchKit.Experiments.Reports.ReportNumber;

namespace PatchKit.Experiments.Sweeps;

/// <summary>What is claimed of decoders over patch sizes, each with the paired differences that it rests on.</summary>
internal static class DecoderClaims
{
    /// <summary>The claim that mIoU rises with every step to a smaller patch, with one linear layer.</summary>
    internal static Claim Rises(this DecoderSummary summary, string effect)
    {
        var linear = summary.Results.Where(run => DecoderSummary.Decoder(run.Config) == DecoderKind.Linear);
        return new PatchSummary([.. linear]).Curve(
            effect,
            run => DecoderSummary.Scores(run).MIoU,
            falls: false,
            Percent,
            Points
        );
    }

    /// <summary>The claim that the smallest patch with one linear layer passes UperNet at the largest.</summary>
    internal static Claim Overtakes(this DecoderSummary summary, string name)
    {
        int largest = summary.Compared[0],
            smallest = summary.PatchesOf(DecoderKind.Linear)[^1];
        var gain = PatchSummary.Step(
            "the gain over it",
            summary.At(largest, DecoderKind.UperNet),
            summary.At(smallest, DecoderKind.Linear),
            run => DecoderSummary.Scores(run).MIoU,
            falls: false
        );
        return new Claim($"{name}: p={smallest} with one linear layer passes UperNet at p={largest}", [gain])
        {
            Scores =
                $"UperNet at p={largest} {Percent(summary.MIoU(largest, DecoderKind.UperNet))} %, one "
                + $"linear layer at p={smallest} {Percent(summary.MIoU(smallest, DecoderKind.Linear))} %.",
            Missing = smallest == largest ? "One patch size is compared with itself." : "",
            Text = Points,
        };
    }

    /// <summary>
    /// The claim that the decoder has an advantage in mIoU at the largest patch, and that it is smaller at the
    /// smallest.
    /// </summary>
    internal static Claim Diminishes(this DecoderSummary summary, string effect) =>
        Diminishes(effect, summary.Compared, summary.Gaps, Points, "mIoU", "points");

    /// <summary>The same of the test loss.</summary>
    internal static Claim LossDiminishes(this DecoderSummary summary, string effect) =>
        Diminishes(effect, summary.Compared, summary.LossGaps, Signed, "test loss", "nats");

    private static Claim Diminishes(
        string effect,
        IReadOnlyList<int> patches,
        Func<int, PairedStep> gains,
        Func<double, string> text,
        string what,
        string unit
    )
    {
        if (patches.Count < 2)
            return new Claim(effect, []) { Missing = "Both decoders were trained at fewer than two patch sizes." };
        var (largest, smallest) = (patches[0], patches[^1]);
        var large = gains(largest) with { Name = $"the gain at p={largest}" };
        var more = large.Less($"how much more that is than at p={smallest}", gains(smallest));
        string means = string.Join(", ", patches.Select(patch => $"p={patch} {text(gains(patch).Mean)}"));
        return new Claim(effect, [large, more]) { Scores = $"UperNet's gain in {what}: {means} {unit}.", Text = text };
    }
}
