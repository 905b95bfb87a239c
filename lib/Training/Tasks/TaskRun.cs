using PatchKit.Metrics;
using PatchKit.Models;
using PatchKit.Torch.Distributed;
using PatchKit.Training.Recipes;
using PatchKit.Training.Runs;
using static TorchSharp.torch;

namespace PatchKit.Training.Tasks;

/// <summary>
/// A task at work: the model that is trained, what is made smaller, and how it is scored. Made by
/// <see cref="TaskConfig.Begin"/>; disposing it frees the model.
/// </summary>
public abstract class TaskRun : IDisposable
{
    /// <summary>All that is trained and kept. Where a backbone is part of it, that is its child "backbone".</summary>
    public abstract nn.Module Model { get; }

    /// <summary>The plain encoder in it.</summary>
    public abstract Backbone Backbone { get; }

    /// <summary>Takes the weights of an earlier run; by default the backbone's.</summary>
    /// <param name="store">where the earlier run is.</param>
    /// <param name="earlier">the run.</param>
    /// <param name="loading">what may be changed so that they fit.</param>
    /// <returns>Sentences on what was not taken as it was.</returns>
    /// <exception cref="PatchKit.Checkpoints.CheckpointException">It has no weights, or they do not fit.</exception>
    public virtual IReadOnlyList<string> StartFrom(RunStore store, RunConfig earlier, CheckpointLoading? loading = null)
    {
        var report = store.LoadWeights(earlier, Backbone, loading);
        return
        [
            .. report
                .Reshaped.Where(key => key.Key == "head.weight")
                .Select(key =>
                    $"run {earlier.Key} scores {key.InFile[0]} classes and this one {key.InModel[0]}, so "
                    + "its head is new"
                ),
            .. report
                .Reshaped.Where(key => !key.Key.StartsWith("head", StringComparison.Ordinal))
                .Select(key => $"of run {earlier.Key}: {key}"),
        ];
    }

    /// <summary>
    /// The parameters with their weight decay and share of the learning rate; what stands on the backbone trains at the
    /// full rate.
    /// </summary>
    /// <param name="recipe">how it is trained.</param>
    public virtual IReadOnlyList<ParameterGroup> Groups(Recipe recipe) =>
        ParameterGroups.Of(
            Model.named_parameters().Select(entry => (RunStore.WithoutBackbone(entry.name), entry.parameter)),
            Backbone.Config.Depth,
            recipe.WeightDecay,
            recipe.LayerDecay
        );

    /// <summary>What training makes smaller; made when the model is on its device.</summary>
    /// <param name="config">the run.</param>
    /// <param name="group">the processes that train it together, of which each sees its share of the batch; null for
    /// this one alone.</param>
    public abstract IObjective Objective(RunConfig config, ProcessGroup? group = null);

    /// <summary>Scores the model on the test images, in evaluation mode.</summary>
    /// <param name="data">the images.</param>
    /// <param name="device">where the model is.</param>
    /// <param name="cancellation">ends it.</param>
    /// <returns>the loss, with accuracies of NaN where the task has none; and the task's own scores.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public abstract (EvaluationResult Test, TaskResult? Scores) Evaluate(
        TrainingData data,
        Device device,
        CancellationToken cancellation
    );

    /// <summary>Frees the model.</summary>
    public virtual void Dispose()
    {
        Model.Dispose();
        GC.SuppressFinalize(this);
    }
}
