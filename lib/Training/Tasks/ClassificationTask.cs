using PatchKit.Metrics;
using PatchKit.Models;
using PatchKit.Torch.Distributed;
using PatchKit.Training.Loop;
using PatchKit.Training.Runs;
using static TorchSharp.torch;

namespace PatchKit.Training.Tasks;

/// <summary>The class of a whole image, from the class token: what a run without a task trains for.</summary>
public sealed record ClassificationTask : TaskConfig
{
    /// <inheritdoc/>
    public override string Title => "classification";

    /// <inheritdoc/>
    public override TaskRun Begin(RunConfig config, TrainingData data) =>
        data.Classes == config.Model.Classes
            ? new Run((config.Model with { DropPath = config.Recipe.DropPath }).Create())
            : throw new TrainingException(
                $"the model has {config.Model.Classes} classes, but {config.Data.Title} has {data.Classes}; "
                    + "make the model for as many."
            );

    private sealed class Run(Backbone model) : TaskRun
    {
        public override nn.Module Model => model;

        public override Backbone Backbone => model;

        public override IObjective Objective(RunConfig config, ProcessGroup? group = null) =>
            new ClassificationObjective(model, config.Recipe, config.Seed);

        public override (EvaluationResult Test, TaskResult? Scores) Evaluate(
            TrainingData data,
            Device device,
            CancellationToken cancellation
        ) =>
            (
                Evaluation.Classification(
                    model,
                    data.Test(cancellation),
                    device,
                    Devices.Lower(device),
                    cancellation: cancellation
                ),
                null
            );
    }
}
