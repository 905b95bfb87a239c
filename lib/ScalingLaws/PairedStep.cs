using System.Collections.Concurrent;
using MathNet.Numerics.Distributions;

namespace PatchKit.ScalingLaws;

/// <summary>
/// One step of a claim, such as the fall of the loss from p = 16 to p = 8: for each seed that has both ends, by how
/// much it goes the claimed way. Seeds are paired, since two patch sizes of one seed share images and order, so that
/// what is good or bad luck for both cancels.
/// </summary>
/// <param name="Name">such as "16 to 8".</param>
/// <param name="Pairs">a seed, and its difference: above 0 on the claimed side.</param>
public sealed record PairedStep(string Name, IReadOnlyList<(long Seed, double Gain)> Pairs)
{
    /// <summary>How often an interval holds the true mean.</summary>
    public const double Confidence = .95;

    private static readonly ConcurrentDictionary<int, double> s_quantiles = new();

    /// <summary>
    /// A step that is claimed to lead down: the first score less the second, for each seed that has both.
    /// </summary>
    public static PairedStep Fall(
        string name,
        IEnumerable<(long Seed, double Score)> from,
        IEnumerable<(long Seed, double Score)> to
    ) => new(name, [.. Join(from, to, (first, second) => first - second)]);

    /// <summary>A step that is claimed to lead up.</summary>
    public static PairedStep Rise(
        string name,
        IEnumerable<(long Seed, double Score)> from,
        IEnumerable<(long Seed, double Score)> to
    ) => Fall(name, to, from);

    /// <summary>How many seeds have both ends.</summary>
    public int Count => Pairs.Count;

    /// <summary>The differences.</summary>
    public IEnumerable<double> Gains => Pairs.Select(pair => pair.Gain);

    /// <summary>Their mean; NaN of none.</summary>
    public double Mean => Gains.DefaultIfEmpty(double.NaN).Average();

    /// <summary>Their standard deviation, from n - 1; NaN of fewer than two.</summary>
    public double Deviation =>
        Count < 2 ? double.NaN : Math.Sqrt(Gains.Sum(gain => (gain - Mean) * (gain - Mean)) / (Count - 1));

    /// <summary>
    /// The lower end of Student's one-sided 95% interval of the true mean, mean - t s / sqrt(n) with n - 1 degrees of
    /// freedom; the interval has no upper end. NaN of fewer than two seeds. Above 0, the claimed side is ahead by more
    /// than the seeds' luck explains: were the true mean 0 or less, that would come up once in 20 times at most.
    /// </summary>
    public double LowerEnd =>
        Count < 2
            ? double.NaN
            : Mean
                - s_quantiles.GetOrAdd(Count - 1, freedom => StudentT.InvCDF(0, 1, freedom, Confidence))
                    * Deviation
                    / Math.Sqrt(Count);

    /// <summary>How many seeds are on the claimed side.</summary>
    public int Agreeing => Gains.Count(gain => gain > 0);

    /// <summary>
    /// The exact sign test, which asks nothing of the differences' distribution: the probability of as many seeds on
    /// the claimed side, or more, if either side were as likely. Seeds without a difference are left out. Three seeds
    /// cannot bring it below .125, four .0625, five .031.
    /// </summary>
    public double SignTest
    {
        get
        {
            int different = Gains.Count(gain => gain != 0);
            return Agreeing == 0 ? 1 : 1 - new Binomial(.5, different).CumulativeDistribution(Agreeing - 1);
        }
    }

    /// <summary>This step less another, seed by seed: by how much this difference is greater than that one.</summary>
    public PairedStep Less(string name, PairedStep other) =>
        new(name, [.. Join(Pairs, other.Pairs, (own, others) => own - others)]);

    /// <summary>The differences beyond a threshold, which a claim of "by at least" sets.</summary>
    public PairedStep Beyond(string name, double threshold) =>
        new(name, [.. Pairs.Select(pair => (pair.Seed, pair.Gain - threshold))]);

    /// <summary>A part of the differences.</summary>
    public PairedStep Part(string name, double part) =>
        new(name, [.. Pairs.Select(pair => (pair.Seed, part * pair.Gain))]);

    private static IEnumerable<(long, double)> Join(
        IEnumerable<(long Seed, double Score)> first,
        IEnumerable<(long Seed, double Score)> second,
        Func<double, double, double> of
    ) =>
        first
            .Join(second, one => one.Seed, other => other.Seed, (one, other) => (one.Seed, of(one.Score, other.Score)))
            .OrderBy(pair => pair.Seed);
}
