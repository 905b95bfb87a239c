using System.Text.Json.Serialization;
using PatchKit.Data;
using PatchKit.Models;
using PatchKit.Models.Detection;
using PatchKit.ScalingLaws;
using PatchKit.Training;
using PatchKit.Training.Recipes;
using PatchKit.Training.Runs;
using PatchKit.Training.Tasks;

namespace PatchKit.Experiments.Planning;

/// <summary>What a run of a grid takes, for one of its seeds.</summary>
public sealed record PlannedRun
{
    /// <summary>Such as "adventurer-base".</summary>
    public required string Model { get; init; }

    /// <summary>Rows of the images that it trains on, of the largest where they differ.</summary>
    public required int Height { get; init; }

    /// <summary>Columns of them.</summary>
    public required int Width { get; init; }

    /// <summary>p.</summary>
    public required int PatchSize { get; init; }

    /// <summary>Patches of an image, or the tokens that they are interpolated to.</summary>
    public required long Tokens { get; init; }

    /// <summary>"classification", "segmentation, linear", "detection".</summary>
    public required string Task { get; init; }

    /// <summary>Whether a decoder or a detector stands on the backbone.</summary>
    public required bool HasHead { get; init; }

    /// <summary>The recipe's name.</summary>
    public required string Recipe { get; init; }

    /// <summary>What it learns from.</summary>
    public required string Data { get; init; }

    /// <summary>Whether it is not of the grid itself, but other runs start from it.</summary>
    public required bool IsStart { get; init; }

    /// <summary>Runs like it but for their seed, itself among them.</summary>
    public required int Seeds { get; init; }

    /// <summary>Steps of training.</summary>
    public required long Steps { get; init; }

    /// <summary>Images of a step, over all GPUs.</summary>
    public required int Batch { get; init; }

    /// <summary>Learned numbers.</summary>
    public required long Parameters { get; init; }

    /// <summary>Multiply-accumulates of one image's forward pass.</summary>
    public required double Macs { get; init; }

    /// <summary>What a GPU holds.</summary>
    public required TrainingMemory Memory { get; init; }

    /// <summary>What it would hold if blocks were recomputed in the backward pass, with one image at a time.</summary>
    public required long CheckpointedBytes { get; init; }

    /// <summary>How the batch is laid onto the GPUs.</summary>
    public required BatchFit Fit { get; init; }

    /// <summary>
    /// Where it does not fit: the smallest GPU of the catalogue that holds one image at a time; null where none does,
    /// or where it fits.
    /// </summary>
    public required string? NeededGpu { get; init; }

    /// <summary>Hours of one GPU at the rate that the plan rests on.</summary>
    public required double GpuHours { get; init; }

    /// <summary>Hours of one GPU at its published peak, which no training reaches.</summary>
    public required double PeakGpuHours { get; init; }

    /// <summary>What the rate rests on.</summary>
    public required string Rate { get; init; }

    /// <summary>
    /// Whether the hours are a lower bound: the model is narrower or its sequences are shorter than what was timed.
    /// </summary>
    public required bool IsBound { get; init; }

    /// <summary>
    /// Hours on all GPUs of the plan, if they divide the work evenly and exchange gradients in no time.
    /// </summary>
    public required double WallHours { get; init; }

    /// <summary>A line's name: "adventurer-base, p=1, 224x224, adventurer-finetune-base".</summary>
    [JsonIgnore]
    public string Name =>
        $"{(IsStart ? "(start) " : "")}{Model}, "
        + $"p={PatchSize}, {Height}x{Width}"
        + $"{(Tokens == (long)(Height / PatchSize) * (Width / PatchSize) ? "" : " extended")}, "
        + $"{(HasHead ? $"{Task}, " : "")}{Recipe}";

    /// <summary>The plan of a run.</summary>
    /// <param name="config">the run.</param>
    /// <param name="isStart">whether others start from it, and it is not of the grid.</param>
    /// <param name="seeds">runs like it.</param>
    /// <param name="options">what it is planned for.</param>
    /// <param name="rates">of the GPU.</param>
    /// <exception cref="ArgumentException">The batch cannot be shared evenly, or does not split into the parts asked
    /// for.</exception>
    internal static PlannedRun Of(RunConfig config, bool isStart, int seeds, PlanOptions options, PlanRates rates)
    {
        var seen = Seen(config);
        var (cost, head) = (seen.Cost(), HeadOf(config, seen));
        var memory = new TrainingMemory
        {
            Parameters = config.Model.Cost().Parameters + head.Parameters,
            ImageBytes = cost.AutocastActivationBytes + (long)head.ActivationBytes,
            Average = config.Recipe.EmaDecay > 0,
            Reduced = options.Gpus > 1,
        };
        var recomputed = memory with
        {
            ImageBytes = cost.CheckpointedAutocastActivationBytes + (long)head.ActivationBytes,
        };
        double macs = cost.Macs + head.Macs,
            images = (double)config.Steps * config.Recipe.BatchSize;
        var rate = rates.Of(seen);
        double hours = rate.Hours(macs, images, seen.TokenGrid.Count);
        return new PlannedRun
        {
            Model = NameOf(config.Model),
            Height = seen.Height,
            Width = seen.Width,
            PatchSize = seen.PatchSize,
            Tokens = seen.TokenGrid.Count,
            Task = (config.Task ?? new ClassificationTask()).Title,
            HasHead = head != default,
            Recipe = config.Recipe.Name,
            Data = config.Data.Title,
            IsStart = isStart,
            Seeds = seeds,
            Steps = config.Steps,
            Batch = config.Recipe.BatchSize,
            Parameters = memory.Parameters,
            Macs = macs,
            Memory = memory,
            CheckpointedBytes = recomputed.Bytes(1),
            Fit = options.Fit(config.Recipe.BatchSize, memory),
            NeededGpu = options.NeededGpu(memory.Bytes(1)),
            GpuHours = hours,
            PeakGpuHours = ThroughputCurve.FlopsPerMac * macs * images / options.Gpu.TrainingFlops / 3600,
            Rate = rate.Source,
            IsBound = rates.IsBound(seen),
            WallHours = hours / options.Gpus,
        };
    }

    /// <summary>What stands on a run's backbone; nothing where it classifies.</summary>
    /// <param name="config">the run.</param>
    /// <param name="seen">its model at the size of the images that it trains on.</param>
    internal static HeadCost HeadOf(RunConfig config, BackboneConfig seen) =>
        config.Task switch
        {
            SegmentationTask task => task.Decoder.Cost(seen, config.Data.Classes),
            DetectionTask task => DetectorCost.Of(
                task.Detector,
                seen,
                config.Data.Classes,
                regions: task.Phase == DetectionPhase.Objects
            ),
            _ => default,
        };

    /// <summary>A model's name in the zoo, or its family and widths.</summary>
    internal static string NameOf(BackboneConfig model) =>
        ModelZoo
            .Presets.FirstOrDefault(preset =>
                (preset.Config with { Checkpointing = model.Checkpointing }).HasBlocksOf(model)
            )
            ?.Name
        ?? $"{model.Family} D={model.EmbedDim} x{model.Depth}";

    // The model at the size of the images that it trains on, of which positions may be interpolated.
    private static BackboneConfig Seen(RunConfig config) =>
        config.Data switch
        {
            SegmentationDataConfig data => Padded(config.Model, data.Height, data.Width, 1),
            CocoDataConfig data => Padded(config.Model, data.Short, data.Longest, data.Multiple),
            _ => config.Model,
        };

    private static BackboneConfig Padded(BackboneConfig model, int height, int width, int multiple)
    {
        int to = Math.Max(multiple, Math.Max(model.PatchSize, model.TokenPatchSize ?? 1));
        return model with { Height = Up(height), Width = Up(width) };

        int Up(int side) => (side + to - 1) / to * to;
    }
}
