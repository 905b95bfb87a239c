using System.Text.Json.Serialization;
using PatchKit.Metrics;
using PatchKit.Models;
using static TorchSharp.torch;

namespace PatchKit.Training;

/// <summary>
/// The class of each pixel (section 3.2, Table 2). The backbone, made without a head, starts from a classification run at the same patch size; the decoder starts anew. The run's model says the
/// grid of its positions, which are interpolated to other images.
/// </summary>
public sealed record SegmentationTask : TaskConfig
{
    /// <summary>What stands on the backbone.</summary>
    public SegmentationConfig Decoder { get; init; } = SegmentationConfig.Linear;

    /// <summary>Windows that test images are scored in; null for whole images.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public SlidingWindow? Window { get; init; }

    /// <inheritdoc/>
    public override string Title => $"segmentation, {Decoder}{(Window is null ? "" : $", in windows of {Window.Size}")}";

    /// <inheritdoc/>
    public override TaskRun Begin(RunConfig config, TrainingData data) => new Run(new Segmenter(config.Model with { DropPath = config.Recipe.DropPath }, data.Classes, Decoder), Window, config.Data.ClassNames);

    /// <inheritdoc/>
    public override double Macs(BackboneConfig model)
    {
        using var scope = NewDisposeScope();
        using var head = Decoder.Create(model, 1);
        return (model with { Classes = 0 }).Cost().Macs + head.Macs(model.TokenGrid.Rows, model.TokenGrid.Columns);
    }

    private sealed class Run(Segmenter model, SlidingWindow? window, IReadOnlyList<string> classes) : TaskRun
    {
        public override nn.Module Model => model;

        public override Backbone Backbone => model.Backbone;

        public override IObjective Objective(RunConfig config) => new SegmentationObjective(model);

        public override (EvaluationResult Test, TaskResult? Scores) Evaluate(TrainingData data, Device device, CancellationToken cancellation) =>
            SegmentationEvaluation.Score(model, images => window?.Score(model.call, images) ?? model.call(images), data.Test(cancellation), classes, device, cancellation);
    }
}
