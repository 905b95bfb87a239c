using PatchKit.Training;

namespace PatchKit.Experiments;

/// <summary>Where an experiment stands.</summary>
/// <param name="Run">the run that is being trained.</param>
/// <param name="Index">its place among those that must be trained, from 1.</param>
/// <param name="Count">how many must be trained; the others were in the cache.</param>
/// <param name="Training">where the run stands.</param>
/// <param name="Remaining">an estimate for all that is left, from what runs have cost so far and the cost model's operations; null before there is one.</param>
public readonly record struct ExperimentProgress(RunConfig Run, int Index, int Count, TrainingProgress Training, TimeSpan? Remaining);
