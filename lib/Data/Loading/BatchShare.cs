namespace PatchKit.Data.Loading;

/// <summary>
/// One process's share of every batch, where several train together: as many images as the others have. Shares are runs
/// of neighbours, as the parts of an accumulated batch are. But Mixup pairs place b of a batch with place B - 1 - b,
/// and a share for it is made of such pairs: of n images n / 2 from the batch's front half and their partners from its
/// back half, in order, so that the share, paired with its own reverse, has the batch's very pairs.
/// </summary>
/// <param name="Rank">whose, from 0.</param>
/// <param name="Ranks">how many processes there are.</param>
/// <param name="Pairs">whether images are mixed in pairs.</param>
public sealed record BatchShare(int Rank, int Ranks, bool Pairs = false)
{
    /// <summary>All of the batch, in one process.</summary>
    public static BatchShare Whole { get; } = new(0, 1);

    /// <summary>How many images of a batch are this rank's.</summary>
    /// <exception cref="ArgumentException">The batch does not split evenly.</exception>
    public int Size(int batch) =>
        batch % Ranks == 0
            ? batch / Ranks
            : throw new ArgumentException(
                $"a batch of {batch} images does not split evenly over {Ranks} ranks; start a number of "
                    + $"ranks that divides {batch}, or set batchSize to a multiple of {Ranks}."
            );

    /// <summary>The places in the batch of this rank's images, in order.</summary>
    /// <exception cref="ArgumentException">The batch does not split evenly, or not into pairs.</exception>
    public int[] Places(int batch)
    {
        int size = Size(batch),
            half = size / 2;
        if (!Pairs)
            return [.. Enumerable.Range(Rank * size, size)];
        if (size % 2 != 0)
            throw new ArgumentException(
                $"Mixup and CutMix pair the images of a batch, but each of {Ranks} ranks takes {size} "
                    + $"of {batch}; set batchSize to a multiple of {2 * Ranks}, or start fewer ranks."
            );
        return [.. Enumerable.Range(Rank * half, half), .. Enumerable.Range(batch - (Rank + 1) * half, half)];
    }
}
