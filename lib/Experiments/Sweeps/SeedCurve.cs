using PatchKit.Display.Figures;
using PatchKit.ScalingLaws;
using PatchKit.Training.Runs;

namespace PatchKit.Experiments.Sweeps;

/// <summary>
/// A score of several models over patch sizes, input sizes or tokens: the means over the seeds, and the span between
/// the best seed and the worst.
/// </summary>
/// <param name="Name">its entry in the legend.</param>
/// <param name="Origin">where its numbers come from.</param>
/// <param name="X">abscissae, the largest first.</param>
/// <param name="Mean">the means.</param>
/// <param name="Low">the lowest of the seeds.</param>
/// <param name="High">the highest.</param>
public sealed record SeedCurve(
    string Name,
    Origin Origin,
    IReadOnlyList<double> X,
    IReadOnlyList<double> Mean,
    IReadOnlyList<double> Low,
    IReadOnlyList<double> High
)
{
    /// <summary>
    /// Curves of one group have one colour, such as a family's: the paper's, recorded ones, and this run's. The name
    /// where this is null.
    /// </summary>
    public string? Group { get; init; }

    /// <summary>A curve without seeds, such as a published one.</summary>
    public SeedCurve(string name, Origin origin, IReadOnlyList<double> x, IReadOnlyList<double> y)
        : this(name, origin, x, y, y, y) { }

    /// <summary>A panel of the paper's Figure 1, as it was read off the picture.</summary>
    public static SeedCurve Of(Figure1Panel panel) =>
        new(
            $"the paper, {panel.What}",
            Origin.Paper,
            [.. panel.Points.Select(point => point.PatchSize)],
            [.. panel.Points.Select(point => point.Loss)]
        );

    /// <summary>Test losses in nats over patch sizes.</summary>
    public static SeedCurve Of(string name, Origin origin, PatchSummary losses) =>
        Of(name, origin, losses.Results, run => run.Model.PatchSize, run => run.Test.Loss);

    /// <summary>The curve of some runs.</summary>
    /// <param name="name">its entry in the legend.</param>
    /// <param name="origin">where they come from.</param>
    /// <param name="runs">alike but for their seeds wherever they have the same abscissa.</param>
    /// <param name="x">the abscissa of a configuration, such as its patch size.</param>
    /// <param name="y">the score of a run, such as its test loss.</param>
    /// <exception cref="ArgumentException">Two configurations have one abscissa.</exception>
    public static SeedCurve Of(
        string name,
        Origin origin,
        IEnumerable<RunResult> runs,
        Func<RunConfig, double> x,
        Func<RunResult, double> y
    )
    {
        var points = SeedMean.Of(runs).OrderByDescending(point => x(point.Results[0].Config)).ToList();
        double[] at = [.. points.Select(point => x(point.Results[0].Config))];
        foreach (var (one, next) in points.Zip(points.Skip(1)))
            if (x(one.Results[0].Config) == x(next.Results[0].Config))
                throw new ArgumentException(
                    $"the curve \"{name}\" has two configurations "
                        + $"at {x(one.Results[0].Config)}: {one.Results[0].Config}; "
                        + $"and {next.Results[0].Config}. Pick the runs of one of them."
                );
        return new(name, origin, at, Each(Enumerable.Average), Each(Enumerable.Min), Each(Enumerable.Max));

        double[] Each(Func<IEnumerable<double>, double> summary) =>
            [.. points.Select(point => summary(point.Results.Select(y)))];
    }

    /// <summary>
    /// The curve as parts of its mean at an abscissa: the shape, which can be compared where the values cannot.
    /// </summary>
    /// <exception cref="ArgumentException">The curve has no such point.</exception>
    public SeedCurve PartsOf(double x)
    {
        int at = X.ToList().IndexOf(x);
        if (at < 0)
            throw new ArgumentException($"the curve \"{Name}\" has no point at {x}; it has {string.Join(", ", X)}.");
        return this with { Mean = Parts(Mean), Low = Parts(Low), High = Parts(High) };

        double[] Parts(IReadOnlyList<double> values) => [.. values.Select(value => value / Mean[at])];
    }

    /// <summary>The abscissa that most of the curves have, and the largest of those.</summary>
    /// <exception cref="InvalidOperationException">There is no curve.</exception>
    public static double MostShared(IReadOnlyCollection<SeedCurve> curves) =>
        curves
            .SelectMany(curve => curve.X)
            .Distinct()
            .OrderByDescending(x => curves.Count(curve => curve.X.Contains(x)))
            .ThenByDescending(x => x)
            .First();

    /// <summary>
    /// A panel with curves, each as parts of its own mean at the abscissa that most of them have; one that lacks it, of
    /// other patch sizes, as parts of its first, and says so.
    /// </summary>
    /// <exception cref="InvalidOperationException">There is no curve.</exception>
    public static Panel Shapes(Panel panel, IReadOnlyCollection<SeedCurve> curves)
    {
        double at = MostShared(curves);
        return curves.Aggregate(
            panel,
            (drawn, curve) =>
                (
                    curve.X.Contains(at)
                        ? curve.PartsOf(at)
                        : (curve with { Name = $"{curve.Name}, from {curve.X[0]} on" }).PartsOf(curve.X[0])
                ).On(drawn)
        );
    }

    /// <summary>
    /// A panel with this curve: its means as a line, and the span of the seeds as an area where there is one.
    /// </summary>
    public Panel On(Panel panel)
    {
        var line = panel.Line(Name, X, Mean, Origin, Group, points: true);
        return Low.SequenceEqual(High) ? line : line.Band("", X, Low, High, Origin, Group ?? Name);
    }
}
