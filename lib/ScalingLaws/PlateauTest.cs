using System.Globalization;
using MathNet.Numerics.Distributions;

namespace PatchKit.ScalingLaws;

/// <summary>
/// Whether a run still stood on a plateau when its training ended. The training loss of the last tenth of the steps is
/// held against that of the seventh tenth, 60 to 70 %, where a cosine schedule still has a quarter of its rate. A run
/// still falls where a one-sided test of Welch's at 5 % says that the loss fell by more than <see cref="Least"/> of
/// itself in between; else it stands.
/// </summary>
/// <remarks>
/// The least fall is what the end of a cosine schedule takes off the loss by itself, as it settles the weights: runs
/// whose loss had been level before fell by .4 to 1.2 % there, and all others by 1.9 % or more. A run that has learnt
/// all that it can stands on a plateau, too: the test does not tell a floor from a landing of the stairs. What does is
/// a longer training.
/// </remarks>
/// <param name="Early">the mean loss of the seventh tenth, in nats.</param>
/// <param name="Late">the mean loss of the last tenth.</param>
/// <param name="LeastFall">the lower end of the one-sided 95 % interval of the fall, as a part of the early
/// loss.</param>
public sealed record PlateauTest(double Early, double Late, double LeastFall)
{
    /// <summary>The fall that a schedule's end brings by itself, as a part of the loss.</summary>
    public const double Least = .01;

    private const double Confidence = .95;
    private const int FewestLines = 3;

    /// <summary>The fall from the seventh tenth to the last, as a part of the loss.</summary>
    public double Fall => 1 - Late / Early;

    /// <summary>Whether the run still stands on a plateau: its loss is not shown to fall.</summary>
    public bool Stands => !(LeastFall > Least);

    /// <summary>The test of a training curve.</summary>
    /// <param name="curve">steps, in order, and the mean losses since the line before.</param>
    /// <returns>the test; null where a tenth of the curve has fewer than three lines, or where its losses are no
    /// numbers above 0.</returns>
    public static PlateauTest? Of(IReadOnlyList<(long Step, double Loss)> curve)
    {
        if (curve.Count == 0)
            return null;
        long steps = curve[^1].Step;
        double[] early = Between(.6, .7),
            late = Between(.9, 1);
        if (early.Length < FewestLines || late.Length < FewestLines)
            return null;
        double before = early.Average(),
            after = late.Average();
        if (!(before > 0) || !double.IsFinite(before + after))
            return null;

        // The interval of the ratio of two means, after Fieller: the least part of the early mean that the late one
        // cannot be told from, with Welch's degrees of freedom.
        double a = Variance(early) / early.Length,
            b = Variance(late) / late.Length;
        double freedom = (a + b) * (a + b) / (a * a / (early.Length - 1) + b * b / (late.Length - 1)),
            t = a + b == 0 ? 0 : StudentT.InvCDF(0, 1, freedom, Confidence);
        double square = before * before - t * t * a,
            rest = after * after - t * t * b;
        return new PlateauTest(
            before,
            after,
            square <= 0
                ? double.NegativeInfinity
                : 1
                    - (before * after + Math.Sqrt(Math.Max(0, before * before * after * after - square * rest)))
                        / square
        );

        double[] Between(double from, double to) =>
            [.. curve.Where(line => line.Step > from * steps && line.Step <= to * steps).Select(line => line.Loss)];
    }

    private static double Variance(double[] values)
    {
        double mean = values.Average();
        return values.Sum(value => (value - mean) * (value - mean)) / (values.Length - 1);
    }

    /// <summary>"stands on a plateau: the training loss fell by 0.6 % over the last four tenths".</summary>
    public override string ToString() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{(Stands ? "stands on a plateau" : "still falls")}: the training loss fell "
                + $"by {100 * Fall:0.0} % over the last four tenths, by {100 * LeastFall:0.0} % at least"
        );
}
