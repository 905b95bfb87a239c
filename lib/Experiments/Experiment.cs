using PatchKit.Experiments.Reports;
using PatchKit.Experiments.Verdicts;
using PatchKit.Models;
using PatchKit.Training.Runs;

namespace PatchKit.Experiments;

/// <summary>
/// A table or figure of the paper: the runs it takes at each scale, and the report that puts the paper's numbers beside
/// ours.
/// </summary>
public abstract class Experiment
{
    /// <summary>Its name on the command line, such as "table1".</summary>
    public abstract string Name { get; }

    /// <summary>What it reproduces.</summary>
    public abstract string Title { get; }

    /// <summary>What the paper claims there, in a sentence.</summary>
    public abstract string Claim { get; }

    /// <summary>What it costs at `teach`, for the listing.</summary>
    public abstract string Cost { get; }

    /// <summary>The runs that it takes; none where it only measures or compares.</summary>
    /// <exception cref="ArgumentException">The options do not go together, or the images do not suit the patch
    /// sizes.</exception>
    public abstract IReadOnlyList<RunConfig> Grid(ExperimentOptions options);

    /// <summary>
    /// The training steps that its report measures, by model and images in a step; none where it trains or only
    /// compares.
    /// </summary>
    public virtual IReadOnlyList<(BackboneConfig Model, int Batch)> Steps(ExperimentOptions options) => [];

    /// <summary>The report, from the results of the grid.</summary>
    public abstract Report Report(ExperimentContext context);
}
