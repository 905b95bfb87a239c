using PatchKit.Ops;
using TorchSharp;
using TorchSharp.Modules;
using static PatchKit.Models.AutocastBytes;
using static TorchSharp.torch;

namespace PatchKit.Models.Detection;

/// <summary>
/// The mask head of Mask R-CNN (He et al. 2017): convolutions, a doubling, and one map of logits for each class.
/// </summary>
public sealed class MaskHead : nn.Module<Tensor, Tensor>
{
    private readonly ModuleList<Conv2d> conv;
    private readonly ModuleList<ChannelNorm> norm;
    private readonly ConvTranspose2d up;
    private readonly Conv2d predictor;
    private readonly double _cells;

    /// <summary>A mask head.</summary>
    /// <param name="config">width, depth and bins.</param>
    /// <param name="classes">K.</param>
    public MaskHead(DetectorConfig config, int classes)
        : base(nameof(MaskHead))
    {
        _cells = config.MaskBins * config.MaskBins;
        conv = new ModuleList<Conv2d>([
            .. Enumerable
                .Range(0, config.MaskConvolutions)
                .Select(_ => HeadInit.He(nn.Conv2d(config.Dim, config.Dim, 3, padding: 1, bias: false))),
        ]);
        norm = new ModuleList<ChannelNorm>([.. conv.Select(_ => new ChannelNorm(config.Dim))]);
        up = nn.ConvTranspose2d(config.Dim, config.Dim, 2, stride: 2);
        predictor = HeadInit.Small(nn.Conv2d(config.Dim, config.OneMask ? 1 : classes, 1), .001);
        RegisterComponents();
    }

    /// <summary>
    /// Cut regions (R, C, m, m) to logits (R, K, 2 m, 2 m); K is 1 where one mask serves all classes.
    /// </summary>
    public override Tensor forward(Tensor regions)
    {
        using var scope = NewDisposeScope();
        var x = regions;
        for (int i = 0; i < conv.Count; i++)
            x = nn.functional.relu(norm[i].call(conv[i].call(x))); // (R, C, m, m)
        return predictor.call(nn.functional.relu(up.call(x))).MoveToOuterDisposeScope(); // (R, K, 2 m, 2 m)
    }

    /// <summary>Multiply-accumulates on so many regions.</summary>
    internal double Macs(double regions) =>
        regions * _cells * (conv.Sum(layer => layer.weight.numel()) + up.weight.numel() + 4 * predictor.weight.numel());

    /// <summary>Bytes kept for the backward pass of so many regions.</summary>
    internal double ActivationBytes(double regions)
    {
        long dim = up.weight.shape[0],
            maps = predictor.weight.shape[0];
        double cut = dim * (Fp32 + Bf16),
            convolved = conv.Count * dim * Normed,
            doubled = 4 * dim * Bf16,
            logits = 4 * maps * (Bf16 + Fp32);
        return regions * _cells * (cut + convolved + doubled + logits);
    }

    /// <summary>The logits of each region's own class.</summary>
    /// <param name="logits">(R, K, h, w).</param>
    /// <param name="classes">(R), int64.</param>
    /// <returns>(R, h, w).</returns>
    public static Tensor OfClass(Tensor logits, Tensor classes)
    {
        using var scope = NewDisposeScope();
        var at = logits.shape[1] == 1 ? zeros_like(classes) : classes; // (R)
        return logits
            .gather(1, at.view(-1, 1, 1, 1).expand(-1, 1, logits.shape[2], logits.shape[3]))
            .squeeze(1)
            .MoveToOuterDisposeScope();
    }

    /// <summary>Binary cross entropy against the objects' masks, cut out by the same regions.</summary>
    /// <param name="logits">(R, h, w): of each region's object's class.</param>
    /// <param name="masks">(N, H, W), bool: the objects of all images.</param>
    /// <param name="objects">(R), int64: each region's object.</param>
    /// <param name="boxes">(R, 4): the regions.</param>
    /// <returns>One number, the mean over all pixels; 0 without regions.</returns>
    public static Tensor Loss(Tensor logits, Tensor masks, Tensor objects, Tensor boxes)
    {
        using var scope = NewDisposeScope();
        if (logits.shape[0] == 0)
            return (logits.sum() * 0).MoveToOuterDisposeScope();
        return nn
            .functional.binary_cross_entropy_with_logits(
                logits.to_type(ScalarType.Float32),
                Wanted(masks, objects, boxes, ((int)logits.shape[1], (int)logits.shape[2]))
            )
            .MoveToOuterDisposeScope();
    }

    /// <summary>The objects' masks inside the regions: (R, h, w) of 0 and 1.</summary>
    public static Tensor Wanted(Tensor masks, Tensor objects, Tensor boxes, (int Height, int Width) size)
    {
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        var rois = cat([objects.to_type(ScalarType.Float32).unsqueeze(1), boxes.detach()], 1); // (R, 5)
        var cut = RoiAlign.Run(masks.to_type(ScalarType.Float32).unsqueeze(1), rois, size, 1); // (R, 1, h, w)
        return cut.squeeze(1).ge(.5).to_type(ScalarType.Float32).MoveToOuterDisposeScope();
    }
}
