using PatchKit.Experiments.Sweeps;
using PatchKit.Models;
using PatchKit.Training.Runs;

namespace PatchKit.Experiments.Tables;

/// <summary>
/// Which patch for a budget: one family over patch sizes, widths and training lengths, and the frontier of test loss
/// over training FLOPs.
/// </summary>
internal static class BudgetGrid
{
    // Of the scale's steps.
    private static readonly double[] s_lengths = [.5, 1, 2];

    /// <summary>
    /// The runs. None takes more operations than the smallest patch at the usual width and length, so that every patch
    /// size has the chance to spend what that takes.
    /// </summary>
    internal static IReadOnlyList<RunConfig> Runs(ExperimentOptions options)
    {
        if (options.Scale > Scale.Teach)
            return [];
        int[] patches = options.Scale == Scale.Smoke ? [8, 4] : [8, 4, 2];
        double most = ClassificationGrid
            .Run(options, Family.ViT, ClassificationGrid.GeneratedSize, patches[^1], options.FirstSeed)
            .Flops;
        return
        [
            .. from seed in options.SeedList()
            from patch in patches
            from width in ClassificationGrid.Widths(options.Scale, Family.ViT).Take(3)
            from length in options.Scale == Scale.Smoke ? [1] : s_lengths
            let run = ClassificationGrid.Run(
                options with
                {
                    Budget = options.Budget * length,
                },
                Family.ViT,
                ClassificationGrid.GeneratedSize,
                patch,
                seed,
                width == "48" ? null : width
            )
            where run.Flops <= most
            select run,
        ];
    }
}
