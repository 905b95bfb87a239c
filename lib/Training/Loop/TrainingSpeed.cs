using System.Globalization;

namespace PatchKit.Training.Loop;

/// <summary>How fast training was, since it was begun or last resumed.</summary>
/// <param name="ImagesPerSecond">images trained on, saving and waiting included.</param>
/// <param name="DataWait">the share of the time in which the next batch was waited for, 0 to 1; on a GPU at most this,
/// as one that is fetched ahead is counted although the GPU computes.</param>
/// <param name="PeakBytes">the most that tensors held on the device; 0 where it is not known.</param>
/// <param name="Accumulation">parts that a batch was trained in, at the end.</param>
/// <param name="Mfu">the share of the device's peak arithmetic that the cost model's operations are (model FLOPs
/// utilization); null where no peak was asked for.</param>
/// <param name="Peak">what that peak is.</param>
public sealed record TrainingSpeed(
    double ImagesPerSecond,
    double DataWait,
    long PeakBytes,
    int Accumulation,
    double? Mfu = null,
    string? Peak = null
)
{
    /// <summary>"3,200 images/s, 41 % MFU, 2 % of the time waiting for data, peak memory 4.1 GiB".</summary>
    public override string ToString() => Line(ImagesPerSecond, DataWait, PeakBytes, Mfu);

    internal static string Line(double imagesPerSecond, double dataWait, long peakBytes, double? mfu) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{imagesPerSecond:N0} images/s{(mfu is { } share ? $", {100 * share:0.0} % MFU" : "")}, "
                + $"{100 * dataWait:0} % of the time waiting for "
                + $"data{(peakBytes > 0 ? $", peak memory {StepMemory.Gib(peakBytes)}" : "")}"
        );
}
