using System.Globalization;

namespace PatchKit.ScalingLaws;

/// <summary>
/// The frontier of test loss over training FLOPs, of measured runs alone: within a budget the model and length whose
/// mean loss over the seeds is lowest, nothing interpolated. How sure the patch size is that holds it, the seeds say:
/// the best of another patch size within the same budget is the rival, and the differences to it are paired by seed.
/// </summary>
/// <remarks>
/// The holder was chosen for its mean, so that its lead is flattered a little, most where many cells lie close
/// together; a lead whose interval begins above 0 in three seeds or more is called sure all the same.
/// </remarks>
public sealed class BudgetFrontier
{
    private readonly IReadOnlyList<Cell> _cells;

    /// <summary>The frontier of some runs.</summary>
    /// <exception cref="ArgumentException">There are no runs, or a number is not above 0.</exception>
    public BudgetFrontier(IEnumerable<BudgetedRun> runs)
    {
        var all = runs.ToList();
        if (all.Count == 0)
            throw new ArgumentException("a frontier was asked of 0 runs; give at least one that has ended.");
        if (
            all.Find(run =>
                !(run is { PatchSize: > 0, Flops: > 0, Loss: > 0 } && double.IsFinite(run.Flops + run.Loss))
            ) is
            { } odd
        )
            throw new ArgumentException(
                $"{odd} has no place on a frontier; patch size, FLOPs and loss must be numbers above 0, so "
                    + "leave out runs that failed."
            );
        _cells =
        [
            .. all.GroupBy(run => (run.PatchSize, run.Width, run.Steps))
                .Select(same => new Cell([.. same.OrderBy(run => run.Seed)]))
                .OrderBy(cell => cell.Flops),
        ];
        double lowest = double.PositiveInfinity;
        Points =
        [
            .. _cells
                .Select(cell => cell.Flops)
                .Distinct()
                .Where(flops => Lowest(flops) is var best && best < lowest && (lowest = best) > 0)
                .Select(At),
        ];
    }

    /// <summary>One model and length over its seeds.</summary>
    /// <param name="Runs">in the order of their seeds.</param>
    public sealed record Cell(IReadOnlyList<BudgetedRun> Runs)
    {
        /// <summary>p, in pixels.</summary>
        public int PatchSize => Runs[0].PatchSize;

        /// <summary>The token dimension D.</summary>
        public int Width => Runs[0].Width;

        /// <summary>Steps of training.</summary>
        public long Steps => Runs[0].Steps;

        /// <summary>The training's floating-point operations.</summary>
        public double Flops => Runs[0].Flops;

        /// <summary>The mean test loss.</summary>
        public double Loss => Runs.Average(run => run.Loss);

        /// <summary>The best seed's.</summary>
        public double Lowest => Runs.Min(run => run.Loss);

        /// <summary>The worst seed's.</summary>
        public double Highest => Runs.Max(run => run.Loss);

        /// <summary>"p=4, D=48, 600 steps".</summary>
        public override string ToString() =>
            string.Create(CultureInfo.InvariantCulture, $"p={PatchSize}, D={Width}, {Steps:N0} steps");
    }

    /// <summary>What holds a budget.</summary>
    /// <param name="Flops">the budget.</param>
    /// <param name="Best">the cell of the lowest mean loss within it.</param>
    /// <param name="Rival">the best cell of another patch size within it; null where only one patch size fits.</param>
    /// <param name="Lead">by how much the rival's loss is higher, seed by seed.</param>
    public sealed record Point(double Flops, Cell Best, Cell? Rival, PairedStep? Lead)
    {
        /// <summary>
        /// Whether the seeds are sure of the patch size: the interval of the lead begins above 0, in three seeds or
        /// more.
        /// </summary>
        public bool IsSure => Lead is { Count: >= 3, LowerEnd: > 0 };
    }

    /// <summary>All models and lengths, the cheapest first.</summary>
    public IReadOnlyList<Cell> Cells => _cells;

    /// <summary>The patch sizes, the largest first.</summary>
    public IEnumerable<int> PatchSizes => _cells.Select(cell => cell.PatchSize).Distinct().OrderDescending();

    /// <summary>The budgets at which the lowest loss falls, the cheapest first, with what holds them.</summary>
    public IReadOnlyList<Point> Points { get; }

    /// <summary>What holds a budget; a tie goes to the cheaper cell.</summary>
    /// <exception cref="ArgumentException">No run fits the budget.</exception>
    public Point At(double flops)
    {
        var within = _cells.Where(cell => cell.Flops <= flops).ToList();
        if (within.MinBy(cell => cell.Loss) is not { } best)
            throw new ArgumentException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"no run fits {flops:G3} FLOPs, the cheapest took {_cells[0].Flops:G3}; raise the "
                        + $"budget or train a cheaper run."
                )
            );
        var rival = within.Where(cell => cell.PatchSize != best.PatchSize).MinBy(cell => cell.Loss);
        return new Point(
            flops,
            best,
            rival,
            rival is null ? null : PairedStep.Fall($"{rival} to {best}", Losses(rival), Losses(best))
        );

        static IEnumerable<(long, double)> Losses(Cell cell) => cell.Runs.Select(run => (run.Seed, run.Loss));
    }

    /// <summary>The lowest mean loss of one patch size at each budget at which it falls: its own frontier.</summary>
    public IReadOnlyList<Cell> Of(int patchSize)
    {
        double lowest = double.PositiveInfinity;
        return
        [
            .. _cells
                .Where(cell => cell.PatchSize == patchSize)
                .Where(cell => cell.Loss < lowest && (lowest = cell.Loss) > 0),
        ];
    }

    private double Lowest(double flops) => _cells.Where(cell => cell.Flops <= flops).Min(cell => cell.Loss);
}

/// <summary>A run of a grid of patch sizes, widths and training lengths: what it cost and what it came to.</summary>
/// <param name="PatchSize">p, in pixels.</param>
/// <param name="Width">the token dimension D.</param>
/// <param name="Steps">steps of training.</param>
/// <param name="Flops">the training's floating-point operations.</param>
/// <param name="Seed">the seed.</param>
/// <param name="Loss">the test loss.</param>
public sealed record BudgetedRun(int PatchSize, int Width, long Steps, double Flops, long Seed, double Loss);
