using static TorchSharp.torch;

namespace PatchKit.Data.Loading;

/// <summary>
/// Repeated augmentation (Hoffer et al. 2020) with the official sampler's quirks: the order depends on the epoch alone,
/// each image comes three times in a row before the ranks share them out, an epoch covers about a third of the images,
/// and a set of fewer than 256 gives nothing. The official code uses it only in distributed runs, even where
/// --repeated-aug is given.
/// </summary>
/// <param name="Count">images in the set.</param>
/// <param name="Ranks">processes.</param>
/// <param name="Repeats">how often an image comes; the official code fixes 3.</param>
/// <param name="Shuffle">whether the order is random.</param>
public sealed record RepeatedAugmentationSampler(int Count, int Ranks = 1, int Repeats = 3, bool Shuffle = true)
{
    private const int Granule = 256;

    /// <summary>How many images a rank sees in an epoch.</summary>
    public int Length => (int)Math.Floor((double)(Count / Granule * Granule) / Ranks);

    /// <summary>The images of a rank, in order.</summary>
    /// <exception cref="ArgumentException">There is no such rank.</exception>
    public int[] Indices(int rank, long epoch)
    {
        if (rank < 0 || rank >= Ranks)
            throw new ArgumentException($"rank {rank} is not one of the {Ranks} ranks 0..{Ranks - 1}.");
        long[] order = Shuffle ? Permutation(Count, epoch) : [.. Enumerable.Range(0, Count).Select(i => (long)i)];
        int perRank = (int)Math.Ceiling((double)Count * Repeats / Ranks);
        long all = (long)Count * Repeats;
        var own = new int[Math.Min(Length, perRank)];
        // The list of repeats, padded with its head, dealt out to the ranks.
        for (int i = 0; i < own.Length; i++)
            own[i] = (int)order[(rank + (long)i * Ranks) % all / Repeats];
        return own;
    }

    private static long[] Permutation(int count, long epoch)
    {
        using var generator = new Generator((ulong)epoch);
        using var order = randperm(count, generator: generator);
        return order.data<long>().ToArray();
    }
}
