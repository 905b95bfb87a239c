using TorchSharp;
using TorchSharp.Modules;
using static PatchKit.Models.AutocastBytes;
using static TorchSharp.torch;

namespace PatchKit.Models.Segmentation;

/// <summary>
/// UperNet (Xiao et al. 2018, arXiv 1807.10221) on a plain encoder: four maps of different strides
/// (<see cref="Feature2Pyramid"/>), pyramid pooling on the coarsest, a feature pyramid from there down, and all four
/// levels fused at the finest. All maps come of the last block: the paper does not say which it takes.
/// </summary>
public sealed class UperNet : SegmentationHead
{
    private readonly Feature2Pyramid pyramid;
    private readonly PyramidPooling pooling;
    private readonly ModuleList<ConvNorm> lateral,
        smooth;
    private readonly ConvNorm fuse;
    private readonly Conv2d classifier;

    /// <summary>A UperNet.</summary>
    /// <param name="embedDim">the token dimension D.</param>
    /// <param name="patchSize">the encoder's stride in pixels.</param>
    /// <param name="classes">how many classes.</param>
    /// <param name="channels">its width C.</param>
    /// <exception cref="ArgumentException">The width is below 1.</exception>
    public UperNet(int embedDim, int patchSize, int classes, int channels = SegmentationConfig.PaperChannels)
        : base(nameof(UperNet))
    {
        if (channels < 1)
            throw new ArgumentException(
                $"UperNet was given {channels} channels; use 1 or more, such as {SegmentationConfig.PaperChannels}."
            );
        pyramid = new Feature2Pyramid(embedDim, patchSize);
        pooling = new PyramidPooling(embedDim, channels);
        lateral = new ModuleList<ConvNorm>([
            .. Enumerable.Range(1, Feature2Pyramid.Levels - 1).Select(_ => new ConvNorm(embedDim, channels, 1)),
        ]);
        smooth = new ModuleList<ConvNorm>([
            .. Enumerable.Range(1, Feature2Pyramid.Levels - 1).Select(_ => new ConvNorm(channels, channels, 3)),
        ]);
        fuse = new ConvNorm(Feature2Pyramid.Levels * channels, channels, 3);
        classifier = nn.Conv2d(channels, classes, 1);
        nn.init.normal_(classifier.weight, 0, .01);
        nn.init.zeros_(classifier.bias!);
        RegisterComponents();
    }

    /// <summary>The strides of its four maps in pixels, the finest first.</summary>
    public IReadOnlyList<int> Strides => pyramid.Strides;

    /// <summary>A map (B, D, rows, columns) to scores at the finest stride (B, classes, h, w).</summary>
    public override Tensor forward(Tensor map)
    {
        using var scope = NewDisposeScope();
        var maps = pyramid.Maps(map); // 4 x (B, D, h, w)
        var top = pooling.call(maps[^1]); // (B, C, h, w): the coarsest
        Tensor finest = maps[0];
        List<Tensor> levels = [Grown(top, finest)];
        for (int level = Feature2Pyramid.Levels - 2; level >= 0; level--)
        {
            top = lateral[level].call(maps[level]) + Grown(top, maps[level]); // (B, C, h, w), a stride finer
            levels.Add(Grown(smooth[level].call(top), finest));
        }
        return classifier.call(fuse.call(cat(levels, 1))).MoveToOuterDisposeScope(); // (B, classes, h, w)
    }

    /// <inheritdoc/>
    public override double Macs(int rows, int columns)
    {
        long[] places = pyramid.Places(rows, columns);
        return pyramid.Macs(rows, columns)
            + pooling.Macs(places[^1])
            + lateral.Select((conv, level) => conv.Macs(places[level])).Sum()
            + smooth.Select((conv, level) => conv.Macs(places[level])).Sum()
            + fuse.Macs(places[0])
            + (double)places[0] * classifier.weight.numel();
    }

    /// <inheritdoc/>
    public override double ActivationBytes(int rows, int columns)
    {
        long[] places = pyramid.Places(rows, columns);
        double joined = (double)places[0] * Feature2Pyramid.Levels * classifier.weight.shape[1] * (Fp32 + Bf16);
        return pyramid.ActivationBytes(rows, columns)
            + pooling.ActivationBytes(places[^1])
            + lateral.Select((conv, level) => conv.ActivationBytes(places[level])).Sum()
            + smooth.Select((conv, level) => conv.ActivationBytes(places[level])).Sum()
            + joined
            + fuse.ActivationBytes(places[0]);
    }

    private static Tensor Grown(Tensor map, Tensor to) =>
        map.shape[2] == to.shape[2] && map.shape[3] == to.shape[3]
            ? map
            : nn.functional.interpolate(
                map,
                [to.shape[2], to.shape[3]],
                mode: InterpolationMode.Bilinear,
                align_corners: false
            );
}
