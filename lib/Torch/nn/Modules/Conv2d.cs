using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>A two-dimensional convolution: (B, in_channels, H, W) to (B, out_channels, H', W').</summary>
public sealed class Conv2d : Convolution
{
    internal Conv2d(long inChannels, long outChannels, (long, long) kernelSize, (long, long) stride, (long, long) padding, (long, long) dilation, PaddingModes paddingMode, long groups, bool bias, Device? device, ScalarType? dtype)
        : base(nameof(Conv2d), inChannels, outChannels, [kernelSize.Item1, kernelSize.Item2], [stride.Item1, stride.Item2], [padding.Item1, padding.Item2], [dilation.Item1, dilation.Item2], false, paddingMode, groups, bias, device, dtype) { }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        var (padded, left) = Padded(input);
        return nn.functional.conv2d(padded, weight, bias, stride, left, dilation, groups);
    }
}
