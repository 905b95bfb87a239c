using PatchKit.Checkpoints;
using PatchKit.Data;
using PatchKit.Metrics;
using PatchKit.Models;
using PatchKit.Models.Detection;
using PatchKit.Torch.Distributed;
using PatchKit.Training.Loop;
using PatchKit.Training.Runs;
using static TorchSharp.torch;

namespace PatchKit.Training.Tasks;

/// <summary>
/// Detection and instance segmentation by a Cascade Mask R-CNN on the run's backbone (Table 3). The backbone has 0
/// classes of its own.
/// </summary>
/// <param name="Detector">what stands on the backbone.</param>
/// <param name="Phase">what is learnt. A run of objects that starts from one of pixels takes all of its weights, from
/// any other run the backbone's.</param>
public sealed record DetectionTask(DetectorConfig Detector, DetectionPhase Phase = DetectionPhase.Objects) : TaskConfig
{
    /// <inheritdoc/>
    public override string Title => Phase == DetectionPhase.Pixels ? "pixels for detection" : "detection";

    /// <summary>Makes a detector for a number of classes, its weights drawn from the default generator.</summary>
    /// <param name="model">the backbone.</param>
    /// <param name="classes">K, background not among them.</param>
    /// <exception cref="ArgumentException">The backbone has classes of its own, or a stride cannot be made of its
    /// patches.</exception>
    public CascadeMaskRcnn Create(BackboneConfig model, int classes) =>
        model.Classes == 0
            ? new CascadeMaskRcnn(model.Create(), classes, Detector)
            : throw new ArgumentException(
                $"the backbone is to score {model.Classes} classes, but a detector needs its features "
                    + "alone; set Classes = 0."
            );

    /// <summary>The detector of a finished run, with its weights, on the CPU and in evaluation mode.</summary>
    /// <param name="store">where the run is.</param>
    /// <param name="config">the run.</param>
    /// <exception cref="ArgumentException">The run is of another task.</exception>
    /// <exception cref="CheckpointException">It has no weights, or they do not fit.</exception>
    public static CascadeMaskRcnn Load(RunStore store, RunConfig config)
    {
        if (config.Task is not DetectionTask task)
            throw new ArgumentException(
                $"run {config.Key} is {config}, which detects nothing; name a detection (`patchkit runs` lists them)."
            );
        var detector = task.Create(config.Model, config.Data.Classes);
        try
        {
            DetectorWeights.Load(detector, Path.Combine(store.FolderOf(config), RunStore.WeightsFile));
        }
        catch
        {
            detector.Dispose();
            throw;
        }
        detector.eval();
        return detector;
    }

    /// <inheritdoc/>
    public override TaskRun Begin(RunConfig config, TrainingData data) =>
        new Run(Create(config.Model with { DropPath = config.Recipe.DropPath }, data.Classes), config);

    private sealed class Run(CascadeMaskRcnn detector, RunConfig config) : TaskRun
    {
        private DetectionPhase Phase => ((DetectionTask)config.Task!).Phase;

        public override nn.Module Model => detector;

        public override Backbone Backbone => detector.Backbone;

        public override IReadOnlyList<string> StartFrom(
            RunStore store,
            RunConfig earlier,
            CheckpointLoading? loading = null
        )
        {
            if (earlier.Task is not DetectionTask)
                return base.StartFrom(store, earlier, loading);
            DetectorWeights.Load(detector, Path.Combine(store.FolderOf(earlier), RunStore.WeightsFile));
            return [];
        }

        public override IObjective Objective(RunConfig config, ProcessGroup? group = null) =>
            new DetectionObjective(
                detector,
                Phase,
                config.Seed,
                group is null ? null : DataParallel.ShareOf(config.Recipe, group).Places(config.Recipe.BatchSize)
            );

        public override (EvaluationResult Test, TaskResult? Scores) Evaluate(
            TrainingData data,
            Device device,
            CancellationToken cancellation
        ) =>
            Phase == DetectionPhase.Pixels
                ? (DetectionEvaluation.Loss(detector, PixelLoss, data.Test(cancellation), device, cancellation), null)
                : DetectionEvaluation.Score(
                    detector,
                    Losses,
                    batch => detector.Detect(batch.Images, DetectionObjective.Sizes(batch)),
                    data.Test(cancellation),
                    device,
                    data.TestObjects,
                    cancellation
                );

        private Tensor PixelLoss(Batch batch) => detector.PixelLoss(batch.Images, batch.Objects!);

        private IReadOnlyList<Tensor> Losses(Batch batch, long first)
        {
            var draw = new DetectionDraw(config.Seed, first);
            return detector.Losses(batch.Images, batch.Objects!, draw, DetectionObjective.Sizes(batch)).Parts;
        }
    }
}

/// <summary>What a detector learns in a run.</summary>
public enum DetectionPhase
{
    /// <summary>Boxes, classes and masks.</summary>
    Objects,

    /// <summary>
    /// The class of each cell of the finest level: what a small net starts from, as a large one starts from
    /// classification.
    /// </summary>
    Pixels,
}
