namespace PatchKit.Training.Loop;

/// <summary>Where a run stands.</summary>
/// <param name="Step">steps done.</param>
/// <param name="Steps">steps in all.</param>
/// <param name="Loss">the training loss, averaged over the last twenty steps or so.</param>
/// <param name="LearningRate">of the last step.</param>
/// <param name="ImagesPerSecond">since the run was begun or resumed.</param>
/// <param name="Remaining">an estimate, at that rate.</param>
/// <param name="DataWait">the share of the time in which the next batch was waited for, 0 to 1.</param>
/// <param name="PeakBytes">the most that tensors held on the device since the run was begun or resumed; 0 where it is
/// not known.</param>
/// <param name="Mfu">the share of the device's peak arithmetic that is used; null where no peak was asked for.</param>
public readonly record struct TrainingProgress(
    long Step,
    long Steps,
    double Loss,
    double LearningRate,
    double ImagesPerSecond,
    TimeSpan Remaining,
    double DataWait = 0,
    long PeakBytes = 0,
    double? Mfu = null
);
