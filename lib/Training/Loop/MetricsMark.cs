namespace PatchKit.Training.Loop;

/// <summary>A place in the metrics' file, and the sums of the line that comes next.</summary>
/// <param name="Bytes">the file's length.</param>
/// <param name="Loss">the sum of the losses since the last line.</param>
/// <param name="Count">how many there are.</param>
internal readonly record struct MetricsMark(long Bytes, double Loss, int Count);
