using PatchKit.Ops;
using TorchSharp;
using TorchSharp.Modules;
using static PatchKit.Models.AutocastBytes;
using static TorchSharp.torch;

namespace PatchKit.Models.Detection;

/// <summary>
/// One stage of the cascade: what a cut region shows, and how its box must move. Boxes do not depend on the class, so
/// that the next stage has one box for each region.
/// </summary>
public sealed class CascadeStage : nn.Module<Tensor, StageOutput>
{
    private readonly ModuleList<Conv2d> conv;
    private readonly ModuleList<ChannelNorm> norm;
    private readonly ModuleList<Linear> fc;
    private readonly Linear cls_score,
        bbox_pred;
    private readonly DetectorConfig _config;

    /// <summary>A stage.</summary>
    /// <param name="config">widths and depths.</param>
    /// <param name="step">which stage.</param>
    /// <param name="classes">K, background not among them.</param>
    public CascadeStage(DetectorConfig config, CascadeStep step, int classes)
        : base(nameof(CascadeStage))
    {
        (Step, _config) = (step, config);
        conv = new ModuleList<Conv2d>([
            .. Enumerable
                .Range(0, config.BoxConvolutions)
                .Select(_ => HeadInit.He(nn.Conv2d(config.Dim, config.Dim, 3, padding: 1, bias: false))),
        ]);
        norm = new ModuleList<ChannelNorm>([.. conv.Select(_ => new ChannelNorm(config.Dim))]);
        int inputs = config.Dim * config.BoxBins * config.BoxBins;
        fc = new ModuleList<Linear>([
            .. Enumerable
                .Range(0, config.BoxLayers)
                .Select(i => HeadInit.Caffe2Xavier(nn.Linear(i == 0 ? inputs : config.BoxDim, config.BoxDim))),
        ]);
        (cls_score, bbox_pred) = (
            HeadInit.Small(nn.Linear(config.BoxDim, classes + 1), .01),
            HeadInit.Small(nn.Linear(config.BoxDim, 4), .001)
        );
        RegisterComponents();
    }

    /// <summary>Overlap and weights of the stage.</summary>
    public CascadeStep Step { get; }

    /// <summary>Cut regions (R, C, bins, bins) to scores and deltas.</summary>
    public override StageOutput forward(Tensor regions)
    {
        using var scope = NewDisposeScope();
        var x = regions; // (R, C, bins, bins)
        for (int i = 0; i < conv.Count; i++)
            x = nn.functional.relu(norm[i].call(conv[i].call(x)));
        x = x.flatten(1); // (R, C bins^2)
        foreach (var layer in fc)
            x = nn.functional.relu(layer.call(x)); // (R, D)
        return new(cls_score.call(x).MoveToOuterDisposeScope(), bbox_pred.call(x).MoveToOuterDisposeScope());
    }

    /// <summary>Multiply-accumulates on so many regions.</summary>
    internal double Macs(double regions)
    {
        double cells = _config.BoxBins * _config.BoxBins;
        long layers = fc.Sum(layer => layer.weight.numel()) + cls_score.weight.numel() + bbox_pred.weight.numel();
        return regions * (cells * conv.Sum(layer => layer.weight.numel()) + layers);
    }

    /// <summary>Bytes kept for the backward pass of so many regions.</summary>
    internal double ActivationBytes(double regions)
    {
        double cut = _config.Dim * _config.BoxBins * _config.BoxBins,
            outputs = cls_score.weight.shape[0] + bbox_pred.weight.shape[0];
        // The cut is shared between the stages by its two parts and their sum; a product reads a copy.
        return regions
            * (
                cut * (4 * Fp32 + Bf16)
                + conv.Count * cut * Normed
                + fc.Count * _config.BoxDim * Bf16
                + outputs * (Bf16 + Fp32)
            );
    }

    /// <summary>
    /// Cross entropy of the classes, and the distance of deltas where there is an object, both over all regions.
    /// </summary>
    /// <param name="output">of R regions.</param>
    /// <param name="rois">(R, 5).</param>
    /// <param name="match">the object of each region, and whether it shows it.</param>
    /// <param name="boxes">(N, 4): the objects of all images.</param>
    /// <param name="classes">(N): theirs.</param>
    /// <returns>Two numbers, not yet weighted.</returns>
    public (Tensor Class, Tensor Box) Losses(
        StageOutput output,
        Tensor rois,
        BoxMatch match,
        Tensor boxes,
        Tensor classes
    )
    {
        using var scope = NewDisposeScope();
        long regions = rois.shape[0],
            background = output.Scores.shape[1] - 1;
        if (regions == 0)
            return (
                (output.Scores.sum() * 0).MoveToOuterDisposeScope(),
                (output.Deltas.sum() * 0).MoveToOuterDisposeScope()
            );
        var wanted = full_like(match.Labels, background); // (R)
        var shown = match.Labels.eq(1).nonzero().flatten(); // (R with an object)
        var objects = match.Objects.index_select(0, shown);
        if (shown.shape[0] > 0)
            wanted.scatter_(0, shown, classes.index_select(0, objects));
        var loss = nn.functional.cross_entropy(output.Scores.to_type(ScalarType.Float32), wanted);
        if (shown.shape[0] == 0)
            return (loss.MoveToOuterDisposeScope(), (output.Deltas.sum() * 0).MoveToOuterDisposeScope());
        var moves = Boxes.Encode(
            rois.narrow(1, 1, 4).index_select(0, shown),
            boxes.index_select(0, objects),
            Step.Weights
        );
        var box = BoxLoss.Of(output.Deltas.index_select(0, shown), moves, _config.Beta) / regions;
        return (loss.MoveToOuterDisposeScope(), box.MoveToOuterDisposeScope());
    }

    /// <summary>
    /// The regions moved by their deltas and cut off at the edges of their images: (R, 5), without gradients.
    /// </summary>
    /// <param name="output">of R regions.</param>
    /// <param name="rois">(R, 5).</param>
    /// <param name="limits">(B, 2), float32: height and width of each image.</param>
    public Tensor Moved(StageOutput output, Tensor rois, Tensor limits)
    {
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        var moved = Boxes.Decode(
            output.Deltas.detach().to_type(ScalarType.Float32),
            rois.narrow(1, 1, 4),
            Step.Weights
        ); // (R, 4)
        var size = limits.index_select(0, rois.select(1, 0).to_type(ScalarType.Int64)); // (R, 2)
        var most = cat([size.flip(1), size.flip(1)], 1); // (R, 4): width, height, width, height
        return cat([rois.narrow(1, 0, 1), moved.clamp(min: 0).minimum(most)], 1).MoveToOuterDisposeScope();
    }
}

/// <summary>What a stage says of R regions.</summary>
/// <param name="Scores">(R, K + 1): logits of the classes, background last.</param>
/// <param name="Deltas">(R, 4).</param>
public sealed record StageOutput(Tensor Scores, Tensor Deltas);
