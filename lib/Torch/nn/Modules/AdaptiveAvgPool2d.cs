using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>Means over windows chosen so that the output has a given size: (B, C, H, W) to (B, C, h, w).</summary>
public sealed class AdaptiveAvgPool2d : nn.Module<Tensor, Tensor>
{
    internal AdaptiveAvgPool2d((long, long) outputSize) : base(nameof(AdaptiveAvgPool2d)) => output_size = [outputSize.Item1, outputSize.Item2];

    /// <summary>h and w.</summary>
    public long[] output_size { get; }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input) => nn.functional.adaptive_avg_pool2d(input, output_size);
}
