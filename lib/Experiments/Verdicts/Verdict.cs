using System.Text.Json.Serialization;

namespace PatchKit.Experiments.Verdicts;

/// <summary>
/// An effect that the paper claims, held against the numbers of this run. <see cref="VerdictRule"/> makes it.
/// </summary>
/// <param name="Effect">the claim, in a sentence.</param>
/// <param name="Outcome">shown, shown in the mean, not shown, or not testable here.</param>
/// <param name="Because">the numbers that say so.</param>
public sealed record Verdict(string Effect, Outcome Outcome, string Because)
{
    /// <summary>The outcome in words.</summary>
    [JsonIgnore]
    public string Word =>
        Outcome switch
        {
            Outcome.Shown => "shown",
            Outcome.ShownInTheMean => "shown in the mean",
            Outcome.NotShown => "not shown",
            _ => "not testable",
        };

    /// <inheritdoc/>
    public override string ToString() => $"{Word}: {Effect}. {Because}";
}
