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
