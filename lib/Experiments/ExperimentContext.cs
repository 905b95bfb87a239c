using PatchKit.ScalingLaws;
using PatchKit.Training;
using PatchKit.Training.Runs;

namespace PatchKit.Experiments;

/// <summary>What an experiment reports from: its options and the results of its grid.</summary>
/// <param name="Options">what was chosen.</param>
/// <param name="Store">where runs are cached.</param>
/// <param name="Results">the results of <see cref="Experiment.Grid"/>, in its order.</param>
/// <param name="Say">told, in a line, what is being done beside training.</param>
/// <param name="Cancellation">ends what takes long.</param>
public sealed record ExperimentContext(
    ExperimentOptions Options,
    RunStore Store,
    IReadOnlyList<RunResult> Results,
    Action<string> Say,
    CancellationToken Cancellation
)
{
    /// <summary>
    /// Whether a run still stood on a plateau when its training ended; null where its curve is not there. From the
    /// store's curves, or from what is recorded.
    /// </summary>
    public Func<RunResult, PlateauTest?> Plateau { get; init; } = run => PlateauTest.Of(Store.Curve(run.Key));

    /// <summary>The results that a condition picks, such as one family at one patch size: one for each seed.</summary>
    public IReadOnlyList<RunResult> Where(Func<RunConfig, bool> condition) =>
        [.. Results.Where(result => condition(result.Config))];
}
