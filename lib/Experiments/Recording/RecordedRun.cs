using System.Text.Json.Serialization;
using PatchKit.ScalingLaws;
using PatchKit.Training.Runs;

namespace PatchKit.Experiments.Recording;

/// <summary>A run that was recorded.</summary>
/// <param name="Result">its whole configuration with the seed, its scores, machine, libtorch, commit and date. The
/// folder of its images is left out.</param>
/// <param name="Epochs">what it printed of each epoch.</param>
/// <param name="Plateau">whether it still stood on a plateau when training ended, from its losses step by step, which
/// are not recorded; null where they are too few.</param>
public sealed record RecordedRun(
    RunResult Result,
    RecordedEpochs Epochs,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] PlateauTest? Plateau = null
);
