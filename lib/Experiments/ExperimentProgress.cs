using PatchKit.Training.Loop;
using PatchKit.Training.Runs;

namespace PatchKit.Experiments;

/// <summary>Where an experiment stands.</summary>
/// <param name="Run">the run that is being trained.</param>
/// <param name="Index">its place among the experiment's runs, from 1; those from the cache count, so that a run keeps
/// its number when the experiment is stopped and goes on.</param>
/// <param name="Count">how many runs the experiment has.</param>
/// <param name="Training">where the run stands.</param>
/// <param name="Remaining">an estimate for all that is left, from what runs have cost so far and the cost model's
/// operations; null before there is one.</param>
public readonly record struct ExperimentProgress(
    RunConfig Run,
    int Index,
    int Count,
    TrainingProgress Training,
    TimeSpan? Remaining
);
