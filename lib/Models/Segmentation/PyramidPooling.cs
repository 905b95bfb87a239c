using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace PatchKit.Models.Segmentation;

/// <summary>
/// Pyramid pooling (Zhao et al. 2017): the map beside its averages over 1, 2 x 2, 3 x 3 and 6 x 6 parts, joined by a 3
/// x 3 convolution.
/// </summary>
internal sealed class PyramidPooling : nn.Module<Tensor, Tensor>
{
    private static readonly int[] s_scales = [1, 2, 3, 6];
    private readonly ModuleList<ConvNorm> pooled;
    private readonly ConvNorm bottleneck;

    internal PyramidPooling(int inChannels, int channels)
        : base(nameof(PyramidPooling))
    {
        pooled = new ModuleList<ConvNorm>([.. s_scales.Select(_ => new ConvNorm(inChannels, channels, 1))]);
        bottleneck = new ConvNorm(inChannels + s_scales.Length * channels, channels, 3);
        RegisterComponents();
    }

    /// <summary>(B, D, h, w) to (B, C, h, w).</summary>
    public override Tensor forward(Tensor map)
    {
        using var scope = NewDisposeScope();
        List<Tensor> parts = [map];
        foreach (var (scale, reduce) in s_scales.Zip(pooled))
        {
            var averages = reduce.call(nn.functional.adaptive_avg_pool2d(map, scale)); // (B, C, scale, scale)
            parts.Add(
                nn.functional.interpolate(
                    averages,
                    [map.shape[2], map.shape[3]],
                    mode: InterpolationMode.Bilinear,
                    align_corners: false
                )
            ); // (B, C, h, w)
        }
        return bottleneck.call(cat(parts, 1)).MoveToOuterDisposeScope();
    }

    internal double Macs(long places) =>
        s_scales.Zip(pooled).Sum(pair => pair.Second.Macs(pair.First * pair.First)) + bottleneck.Macs(places);

    // The averages, enlarged and joined, take about as much as the convolution of them.
    internal double ActivationBytes(long places) => 2 * bottleneck.ActivationBytes(places);
}
