namespace PatchKit.Bench;

/// <summary>A single thing measured, with no peer.</summary>
/// <param name="Subject">What was measured.</param>
/// <param name="Value">How much.</param>
/// <param name="Unit">"s", "MiB", "tokens/s"; empty for a plain number.</param>
/// <param name="Limit">The most that is promised, or null.</param>
internal sealed record Figure(string Subject, double Value, string Unit, double? Limit = null);
