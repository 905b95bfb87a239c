using PatchKit.Experiments.Reports;
using PatchKit.Experiments.Sweeps;
using PatchKit.ScalingLaws;

namespace PatchKit.Experiments.Verdicts;

/// <summary>
/// An effect that the paper claims, taken apart into the steps that must all go the claimed way.
/// <see cref="VerdictRule"/> judges it.
/// </summary>
/// <param name="Effect">the claim, in a sentence.</param>
/// <param name="Steps">paired differences, such as the fall of the loss from each patch size to the next.</param>
public sealed record Claim(string Effect, IReadOnlyList<PairedStep> Steps)
{
    /// <summary>The scores that the differences are of, in a sentence: "p=16 2.073, p=8 1.789."</summary>
    public string Scores { get; init; } = "";

    /// <summary>What else stands beside the verdict, in sentences, such as which runs ended on a plateau.</summary>
    public string Beside { get; init; } = "";

    /// <summary>
    /// Why nothing can be said, whatever the seeds are: "2 patch sizes make no curve."; empty where something can.
    /// </summary>
    public string Missing { get; init; } = "";

    /// <summary>What is paired: seeds, or the rounds of a measurement.</summary>
    public string Pairs { get; init; } = "seeds";

    /// <summary>A difference in words; losses in nats where nothing else is said.</summary>
    public Func<double, string> Text { get; init; } = ReportNumber.Signed;
}
