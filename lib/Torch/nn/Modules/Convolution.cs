using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>What convolutions share: geometry, weight and bias.</summary>
public abstract class Convolution : nn.Module<Tensor, Tensor>
{
    /// <summary>(out_channels, in_channels / groups, kernel...), transposed (in_channels, out_channels / groups, kernel...); starts uniform within 1 / sqrt(fan in).</summary>
    public readonly Parameter weight;

    /// <summary>(out_channels), or null; starts uniform within 1 / sqrt(fan in).</summary>
    public readonly Parameter? bias;

    private protected Convolution(string name, long inChannels, long outChannels, long[] kernelSize, long[] stride, long[] padding, long[] dilation, bool transposed, PaddingModes paddingMode, long groups, bool hasBias, Device? device, ScalarType? dtype) : base(name)
    {
        if (inChannels % groups != 0 || outChannels % groups != 0)
            throw new ArgumentException($"{name} with {groups} groups needs channel counts that {groups} divides, but has {inChannels} in and {outChannels} out; choose a common divisor of both.");
        (in_channels, out_channels, kernel_size, this.stride, this.padding, this.dilation, padding_mode, this.groups) =
            (inChannels, outChannels, kernelSize, stride, padding, dilation, paddingMode, groups);
        weight = new Parameter(empty(transposed ? [inChannels, outChannels / groups, .. kernelSize] : [outChannels, inChannels / groups, .. kernelSize], dtype, device));
        bias = hasBias ? new Parameter(empty([outChannels], dtype, device)) : null;
        nn.init.DefaultInit(weight, bias);
        RegisterComponents();
    }

    /// <summary>Channels of the input.</summary>
    public long in_channels { get; }

    /// <summary>Channels of the output.</summary>
    public long out_channels { get; }

    /// <summary>The kernel's size, one number per spatial dimension.</summary>
    public long[] kernel_size { get; }

    /// <summary>The step between windows, one number per spatial dimension.</summary>
    public long[] stride { get; }

    /// <summary>Elements added at either end, one number per spatial dimension.</summary>
    public long[] padding { get; }

    /// <summary>The step between kernel elements, one number per spatial dimension.</summary>
    public long[] dilation { get; }

    /// <summary>What the added elements are.</summary>
    public PaddingModes padding_mode { get; }

    /// <summary>Into how many independent groups the channels fall.</summary>
    public long groups { get; }

    // The input with its padding added, where the operator itself cannot add it, and the padding left for the operator.
    private protected (Tensor input, long[] padding) Padded(Tensor input) => padding_mode == PaddingModes.Zeros
        ? (input, padding)
        : (nn.functional.pad(input, [.. padding.Reverse().SelectMany(p => new[] { p, p })], padding_mode), [.. padding.Select(_ => 0L)]);
}
