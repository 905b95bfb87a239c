using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>A transposed two-dimensional convolution: (B, in_channels, H, W) to (B, out_channels, H', W') with H' = (H - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1.</summary>
public sealed class ConvTranspose2d : Convolution
{
    internal ConvTranspose2d(long inChannels, long outChannels, (long, long) kernelSize, (long, long) stride, (long, long) padding, (long, long) outputPadding, (long, long) dilation, long groups, bool bias, Device? device, ScalarType? dtype)
        : base(nameof(ConvTranspose2d), inChannels, outChannels, [kernelSize.Item1, kernelSize.Item2], [stride.Item1, stride.Item2], [padding.Item1, padding.Item2], [dilation.Item1, dilation.Item2], true, PaddingModes.Zeros, groups, bias, device, dtype)
        => output_padding = [outputPadding.Item1, outputPadding.Item2];

    /// <summary>Elements added to one end of the output, one number per spatial dimension.</summary>
    public long[] output_padding { get; }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input) => nn.functional.conv_transpose2d(input, weight, bias, stride, padding, output_padding, dilation, groups);
}
