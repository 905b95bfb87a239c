using System.Text.Json.Serialization;

namespace PatchKit.Experiments;

/// <summary>An effect that the paper claims, held against the numbers of this run.</summary>
/// <param name="Effect">the claim, in a sentence.</param>
/// <param name="Outcome">shown, not shown, or not testable here.</param>
/// <param name="Because">the numbers that say so.</param>
public sealed record Verdict(string Effect, Outcome Outcome, string Because)
{
    /// <summary>Shown where a condition holds, else not shown.</summary>
    public static Verdict Of(string effect, bool holds, string because) => new(effect, holds ? Outcome.Shown : Outcome.NotShown, because);

    /// <summary>The outcome in words.</summary>
    [JsonIgnore]
    public string Word => Outcome switch { Outcome.Shown => "shown", Outcome.NotShown => "not shown", _ => "not testable at this scale" };

    /// <inheritdoc/>
    public override string ToString() => $"{Word}: {Effect}. {Because}";
}
