namespace PatchKit.Bench;

/// <summary>What a benchmark found.</summary>
/// <param name="Pairs">Subjects beside peers: times, or memory measured once.</param>
/// <param name="Figures">Single figures.</param>
internal sealed record BenchResult(IReadOnlyList<Measurement> Pairs, IReadOnlyList<Figure> Figures)
{
    internal BenchResult(IReadOnlyList<Measurement> pairs)
        : this(pairs, []) { }

    internal BenchResult(IReadOnlyList<Figure> figures)
        : this([], figures) { }
}

/// <summary>A single thing measured, with no peer.</summary>
/// <param name="Subject">What was measured.</param>
/// <param name="Value">How much.</param>
/// <param name="Unit">"s", "MiB", "tokens/s"; empty for a plain number.</param>
/// <param name="Limit">The most that is promised, or null.</param>
internal sealed record Figure(string Subject, double Value, string Unit, double? Limit = null);
