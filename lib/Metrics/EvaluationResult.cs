namespace PatchKit.Metrics;

/// <summary>How well a classifier does on a set of images.</summary>
/// <param name="Images">the images that were scored.</param>
/// <param name="Loss">their mean cross entropy, in nats.</param>
/// <param name="Top1">the share whose class has the best score, 0 to 1.</param>
/// <param name="Top5">the share whose class is among the five best scores, or among all where there are fewer; 0 to
/// 1.</param>
/// <param name="Seconds">from the first batch that was asked for to the last one scored.</param>
/// <param name="Bits">the share with the right shape, blotch, fleck and speck, 0 to 1; of generated images with
/// evidence at all four scales, else null.</param>
public sealed record EvaluationResult(
    long Images,
    double Loss,
    double Top1,
    double Top5,
    double Seconds,
    IReadOnlyList<double>? Bits = null
)
{
    /// <summary>Images a second, reading and decoding included.</summary>
    public double ImagesPerSecond => Images / Seconds;
}
