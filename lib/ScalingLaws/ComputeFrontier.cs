using System.Globalization;

namespace PatchKit.ScalingLaws;

/// <summary>
/// Which patch size a FLOP budget is best spent on, read from measured points: along each patch size's own curve the
/// loss is interpolated over the logarithm of the budget, and never extrapolated beyond the greatest budget that was
/// measured for it.
/// </summary>
public sealed class ComputeFrontier
{
    private readonly Dictionary<int, BudgetedPoint[]> _curves;

    /// <summary>The frontier of measured points; several seeds at one patch size and budget are averaged.</summary>
    /// <exception cref="ArgumentException">There are no points, or a number is not above 0.</exception>
    public ComputeFrontier(IEnumerable<BudgetedPoint> points)
    {
        var measured = points.ToList();
        if (measured.Count == 0)
            throw new ArgumentException("a frontier was asked of 0 points; give at least one measured run.");
        if (
            measured.Find(point =>
                !(point is { PatchSize: > 0, Flops: > 0, Loss: > 0 } && double.IsFinite(point.Flops + point.Loss))
            ) is
            { } odd
        )
            throw new ArgumentException(
                $"{odd} has no place on a frontier; patch size, FLOPs and loss must be numbers above 0, so "
                    + "leave out runs that failed."
            );
        _curves = measured
            .GroupBy(point => point.PatchSize)
            .ToDictionary(
                curve => curve.Key,
                curve =>
                    curve
                        .GroupBy(point => point.Flops)
                        .Select(same => new BudgetedPoint(curve.Key, same.Key, same.Average(point => point.Loss)))
                        .OrderBy(point => point.Flops)
                        .ToArray()
            );
        double lowest = double.PositiveInfinity;
        Points =
        [
            .. _curves
                .Values.SelectMany(curve => curve)
                .OrderBy(point => point.Flops)
                .ThenBy(point => point.Loss)
                .Where(point => point.Loss < lowest && (lowest = point.Loss) > 0),
        ];
    }

    /// <summary>The points that no cheaper or equally cheap point beats, cheapest first.</summary>
    public IReadOnlyList<BudgetedPoint> Points { get; }

    /// <summary>The patch sizes, largest first.</summary>
    public IEnumerable<int> PatchSizes => _curves.Keys.OrderDescending();

    /// <summary>
    /// A patch size's loss at a budget: interpolated, the last measured one beyond it, null below the first.
    /// </summary>
    /// <exception cref="ArgumentException">The patch size was not measured.</exception>
    public double? LossAt(int patchSize, double flops)
    {
        if (!_curves.TryGetValue(patchSize, out var curve))
            throw new ArgumentException(
                $"patch size {patchSize} was not measured; the frontier has {string.Join(", ", PatchSizes)}."
            );
        int above = Array.FindIndex(curve, point => point.Flops > flops);
        if (above == 0)
            return null;
        if (above < 0)
            return curve[^1].Loss;
        var (low, high) = (curve[above - 1], curve[above]);
        double part = Math.Log(flops / low.Flops) / Math.Log(high.Flops / low.Flops);
        return low.Loss + part * (high.Loss - low.Loss);
    }

    /// <summary>
    /// The patch size of the lowest loss within a budget, and that loss; a tie goes to the larger patch.
    /// </summary>
    /// <exception cref="ArgumentException">No measured run fits the budget.</exception>
    public BudgetedPoint Best(double flops)
    {
        var reached = PatchSizes
            .Where(size => LossAt(size, flops) is not null)
            .Select(size => new BudgetedPoint(size, flops, LossAt(size, flops)!.Value))
            .ToList();
        return reached.MinBy(point => point.Loss)
            ?? throw new ArgumentException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"no run fits {flops:G3} FLOPs, the cheapest took {Points[0].Flops:G3}; raise the "
                        + $"budget or train a cheaper run."
                )
            );
    }
}

/// <summary>A loss measured at a patch size after a training budget.</summary>
/// <param name="PatchSize">p, in pixels.</param>
/// <param name="Flops">the training's floating-point operations.</param>
/// <param name="Loss">the test loss.</param>
public sealed record BudgetedPoint(int PatchSize, double Flops, double Loss);
