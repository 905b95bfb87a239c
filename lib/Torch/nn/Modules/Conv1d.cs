using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>A one-dimensional convolution: (B, in_channels, L) to (B, out_channels, L').</summary>
public sealed class Conv1d : Convolution
{
    internal Conv1d(long inChannels, long outChannels, long kernelSize, long stride, long padding, long dilation, PaddingModes paddingMode, long groups, bool bias, Device? device, ScalarType? dtype)
        : base(nameof(Conv1d), inChannels, outChannels, [kernelSize], [stride], [padding], [dilation], false, paddingMode, groups, bias, device, dtype) { }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        var (padded, left) = Padded(input);
        return nn.functional.conv1d(padded, weight, bias, stride[0], left[0], dilation[0], groups);
    }
}
