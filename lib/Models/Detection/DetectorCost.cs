using TorchSharp;
using static PatchKit.Models.AutocastBytes;
using static TorchSharp.torch;

namespace PatchKit.Models.Detection;

/// <summary>What a detector takes beside its backbone, asked of its parts.</summary>
internal static class DetectorCost
{
    /// <summary>The cost for one training image.</summary>
    /// <param name="config">the detector.</param>
    /// <param name="backbone">its backbone, at the size of the images.</param>
    /// <param name="classes">K, background not among them.</param>
    /// <param name="regions">whether it learns from regions, not from pixels alone.</param>
    internal static HeadCost Of(DetectorConfig config, BackboneConfig backbone, int classes, bool regions)
    {
        using var scope = NewDisposeScope();
        var strides = config.StridesFor(backbone.PatchSize);
        var (height, width) = (backbone.Height, backbone.Width);
        double boxes = regions ? config.RegionsPerImage : 0,
            masks = boxes * config.PositiveShare;
        using var pyramid = new FeaturePyramid(backbone.EmbedDim, backbone.PatchSize, config.Dim, strides);
        using var proposals = new RegionProposals(config, strides);
        using var stage = new CascadeStage(config, config.Cascade[0], classes); // all are of one size
        using var maskHead = new MaskHead(config, classes);
        int stages = config.Cascade.Count;
        double pixels = config.Pixels ? Places(height, width, strides[0]) : 0;
        return new(
            Parameters(pyramid)
                + Parameters(proposals)
                + stages * Parameters(stage)
                + Parameters(maskHead)
                + (config.Pixels ? (config.Dim + 1L) * (classes + 1) : 0),
            pyramid.Macs(height, width)
                + proposals.Macs(height, width)
                + stages * stage.Macs(boxes)
                + maskHead.Macs(masks)
                + pixels * config.Dim * (classes + 1),
            pyramid.ActivationBytes(height, width)
                + proposals.ActivationBytes(height, width)
                + stages * stage.ActivationBytes(boxes)
                + maskHead.ActivationBytes(masks)
                + pixels * (classes + 1) * (Score + ScoreGradients)
        );
    }

    /// <summary>Cells of a level: one for each stride begun.</summary>
    internal static double Places(int height, int width, int stride) =>
        Math.Ceiling((double)height / stride) * Math.Ceiling((double)width / stride);

    private static long Parameters(nn.Module part) => part.parameters().Sum(parameter => parameter.numel());
}
