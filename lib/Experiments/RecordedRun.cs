using PatchKit.Training;

namespace PatchKit.Experiments;

/// <summary>A run that was recorded.</summary>
/// <param name="Result">its whole configuration with the seed, its scores, machine, libtorch, commit and date. The folder of its images is left out.</param>
/// <param name="Epochs">what it printed of each epoch.</param>
public sealed record RecordedRun(RunResult Result, RecordedEpochs Epochs);
