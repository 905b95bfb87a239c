using PatchKit.Data.Augment;

namespace PatchKit.Data.Coco;

/// <summary>
/// Batches of images of like shape: wide ones together and tall ones together, so that less of a batch is padding (as
/// in mmdetection and Detectron2).
/// </summary>
public static class AspectRatioBatches
{
    /// <summary>
    /// The batches of an epoch, in random order. Each image comes once; the last batch of the wide and of the tall ones
    /// may not be full.
    /// </summary>
    /// <param name="sizes">Each image's height and width.</param>
    /// <param name="batchSize">Images in a batch.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="epoch">The epoch.</param>
    /// <param name="dropLast">Whether batches that are not full are left out.</param>
    /// <exception cref="ArgumentException">The batch size is less than 1.</exception>
    public static int[][] Of(
        IReadOnlyList<(int Height, int Width)> sizes,
        int batchSize,
        long seed,
        long epoch,
        bool dropLast = false
    )
    {
        if (batchSize < 1)
            throw new ArgumentException($"batches of {batchSize} images were asked for; use at least 1.");
        var random = new SampleRandom(seed, epoch, -1);
        int[] order = [.. Enumerable.Range(0, sizes.Count)];
        random.Shuffle<int>(order);
        int[][] batches =
        [
            .. order
                .GroupBy(i => sizes[i].Width >= sizes[i].Height)
                .OrderBy(group => group.Key)
                .SelectMany(group => group.Chunk(batchSize))
                .Where(batch => !dropLast || batch.Length == batchSize),
        ];
        random.Shuffle<int[]>(batches);
        return batches;
    }
}
