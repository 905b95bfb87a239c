namespace PatchKit.ScalingLaws;

/// <summary>
/// Weighted least squares for y = floor + a x^alpha with floor, a >= 0. For a given alpha (or floor) the best a (and
/// floor) are known in closed form, so what is left is a search over alpha alone: a grid finds the valley, a golden
/// section its bottom. No starting point, no divergence.
/// </summary>
internal sealed class LeastSquares
{
    internal const double LeastAlpha = 0.01,
        GreatestAlpha = 4;
    private const int GridSize = 40,
        Sections = 24;

    private static readonly double[] s_grid =
    [
        .. Enumerable
            .Range(0, GridSize)
            .Select(i => LeastAlpha * Math.Pow(GreatestAlpha / LeastAlpha, i / (GridSize - 1.0))),
    ];

    private readonly double[] _logSizes,
        _weights;
    private readonly double[][] _gridPowers;
    private readonly double _unit;

    internal LeastSquares(IReadOnlyCollection<LossPoint> points)
    {
        _unit = points.Max(point => point.PatchSize); // x = p / unit is in (0, 1]: no power overflows
        _logSizes = [.. points.Select(point => Math.Log(point.PatchSize / _unit))];
        _weights = [.. points.Select(point => 1 / (point.Error * point.Error))];
        _gridPowers = Array.ConvertAll(s_grid, Raise);
    }

    /// <summary>Sum of squared errors, and the law that has it.</summary>
    internal readonly record struct Solution(double Squares, double Floor, double Scale, double Alpha);

    /// <summary>The best law; of those with a given floor where one is given.</summary>
    internal Solution Best(double[] losses, double? floor = null)
    {
        int best = 0;
        var found = new Solution(double.PositiveInfinity, 0, 0, 0);
        for (int i = 0; i < GridSize; i++)
            if (Solve(losses, s_grid[i], _gridPowers[i], floor) is var here && here.Squares < found.Squares)
                (best, found) = (i, here);

        double low = Math.Log(s_grid[Math.Max(best - 1, 0)]),
            high = Math.Log(s_grid[Math.Min(best + 1, GridSize - 1)]);
        const double golden = 0.6180339887498949;
        var left = AtLog(high - golden * (high - low));
        var right = AtLog(low + golden * (high - low));
        for (int i = 0; i < Sections; i++)
        {
            if (left.Squares < right.Squares)
            {
                (high, right) = (Math.Log(right.Alpha), left);
                left = AtLog(high - golden * (high - low));
            }
            else
            {
                (low, left) = (Math.Log(left.Alpha), right);
                right = AtLog(low + golden * (high - low));
            }
            if (left.Squares < found.Squares)
                found = left;
            if (right.Squares < found.Squares)
                found = right;
        }
        return found;

        Solution AtLog(double logAlpha) => Solve(losses, Math.Exp(logAlpha), Raise(Math.Exp(logAlpha)), floor);
    }

    /// <summary>The best law of those with a given alpha.</summary>
    internal Solution AtAlpha(double[] losses, double alpha, double? floor) =>
        Solve(losses, alpha, Raise(alpha), floor);

    /// <summary>The law in pixels: a p^alpha instead of a (p / unit)^alpha.</summary>
    internal PowerLaw Law(Solution solution) =>
        new(solution.Floor, solution.Scale / Math.Pow(_unit, solution.Alpha), solution.Alpha);

    private double[] Raise(double alpha) => Array.ConvertAll(_logSizes, logSize => Math.Exp(alpha * logSize));

    // Two unknowns, both at least 0: the free solution, or the better one on the edge that it crosses.
    private Solution Solve(double[] y, double alpha, double[] x, double? fixedFloor)
    {
        double sum = 0,
            sumX = 0,
            sumY = 0;
        for (int i = 0; i < y.Length; i++)
            (sum, sumX, sumY) = (sum + _weights[i], sumX + _weights[i] * x[i], sumY + _weights[i] * y[i]);
        double meanX = sumX / sum,
            meanY = sumY / sum,
            floor,
            scale;
        if (fixedFloor is null)
        {
            scale = Math.Max(0, Slope(meanX, meanY));
            floor = meanY - scale * meanX;
            if (floor < 0)
                (floor, scale) = (0, Slope(0, 0));
        }
        else
            (floor, scale) = (fixedFloor.Value, Math.Max(0, Slope(0, fixedFloor.Value)));

        double squares = 0;
        for (int i = 0; i < y.Length; i++)
        {
            double error = y[i] - floor - scale * x[i];
            squares += _weights[i] * error * error;
        }
        return new Solution(squares, floor, scale, alpha);

        double Slope(double originX, double originY)
        {
            double xy = 0,
                xx = 0;
            for (int i = 0; i < y.Length; i++)
            {
                double dx = x[i] - originX;
                (xy, xx) = (xy + _weights[i] * dx * (y[i] - originY), xx + _weights[i] * dx * dx);
            }
            return xy / xx;
        }
    }
}
