using System.Text.Json.Serialization;
using PatchKit.Checkpoints;
using PatchKit.Metrics;
using PatchKit.Models;
using PatchKit.Models.Segmentation;
using PatchKit.Torch;
using PatchKit.Torch.Distributed;
using PatchKit.Training.Runs;
using static TorchSharp.torch;

namespace PatchKit.Training.Tasks;

/// <summary>
/// The class of each pixel (section 3.2, Table 2). The backbone, made without a head, starts from a classification run
/// at the same patch size; the decoder starts anew. The run's model says the grid of its positions, which are
/// interpolated to other images.
/// </summary>
public sealed record SegmentationTask : TaskConfig
{
    /// <summary>What stands on the backbone.</summary>
    public SegmentationConfig Decoder { get; init; } = SegmentationConfig.Linear;

    /// <summary>Windows that test images are scored in; null for whole images.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public SlidingWindow? Window { get; init; }

    /// <inheritdoc/>
    public override string Title =>
        $"segmentation, {Decoder}{(Window is null ? "" : $", in windows of {Window.Size}")}";

    /// <inheritdoc/>
    public override TaskRun Begin(RunConfig config, TrainingData data) =>
        new Run(
            new Segmenter(config.Model with { DropPath = config.Recipe.DropPath }, data.Classes, Decoder),
            Window,
            config.Data.ClassNames
        );

    /// <inheritdoc/>
    public override double Macs(BackboneConfig model)
    {
        using var scope = NewDisposeScope();
        using var head = Decoder.Create(model, 1);
        return (model with { Classes = 0 }).Cost().Macs + head.Macs(model.TokenGrid.Rows, model.TokenGrid.Columns);
    }

    /// <summary>The trained model of a finished segmentation run, in training mode on the CPU.</summary>
    /// <param name="store">where the run is.</param>
    /// <param name="config">the run.</param>
    /// <exception cref="ArgumentException">The run is of another task.</exception>
    /// <exception cref="CheckpointException">It has no weights, or they do not fit.</exception>
    public static Segmenter Load(RunStore store, RunConfig config)
    {
        if (config.Task is not SegmentationTask task)
            throw new ArgumentException($"{config} segments nothing; name a run of segmentation.");
        var model = new Segmenter(config.Model, config.Data.Classes, task.Decoder);
        try
        {
            using var scope = NewDisposeScope();
            model.load_state_dict(
                Safetensors.Read(Path.Combine(store.FolderOf(config), RunStore.WeightsFile)).ToDictionary()
            );
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    private sealed class Run(Segmenter model, SlidingWindow? window, IReadOnlyList<string> classes) : TaskRun
    {
        public override nn.Module Model => model;

        public override Backbone Backbone => model.Backbone;

        public override IObjective Objective(RunConfig config, ProcessGroup? group = null) =>
            new SegmentationObjective(model, group);

        public override (EvaluationResult Test, TaskResult? Scores) Evaluate(
            TrainingData data,
            Device device,
            CancellationToken cancellation
        ) =>
            SegmentationEvaluation.Score(
                model,
                images => Scores(images, device),
                data.Test(cancellation),
                classes,
                device,
                cancellation
            );

        private Tensor Scores(Tensor images, Device device)
        {
            using var lower = Devices.Lower(device) is { } dtype ? Engine.Autocast(device, dtype) : null;
            return window?.Score(model.call, images) ?? model.call(images);
        }
    }
}
