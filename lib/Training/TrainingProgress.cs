namespace PatchKit.Training;

/// <summary>Where a run stands.</summary>
/// <param name="Step">steps done.</param>
/// <param name="Steps">steps in all.</param>
/// <param name="Loss">the training loss, averaged over the last twenty steps or so.</param>
/// <param name="LearningRate">of the last step.</param>
/// <param name="ImagesPerSecond">since the run was begun or resumed.</param>
/// <param name="Remaining">an estimate, at that rate.</param>
public readonly record struct TrainingProgress(long Step, long Steps, double Loss, double LearningRate, double ImagesPerSecond, TimeSpan Remaining);
