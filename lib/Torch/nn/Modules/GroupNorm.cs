using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>Normalises each group of channels of each sample to mean 0 and variance 1, then scales and shifts each channel: (B, C, ...) to the same.</summary>
public sealed class GroupNorm : nn.Module<Tensor, Tensor>
{
    /// <summary>The scale of each channel, (C), or null; starts at 1.</summary>
    public readonly Parameter? weight;

    /// <summary>The shift of each channel, (C), or null; starts at 0.</summary>
    public readonly Parameter? bias;

    internal GroupNorm(long numGroups, long numChannels, double eps, bool affine, Device? device, ScalarType? dtype) : base(nameof(GroupNorm))
    {
        if (numChannels % numGroups != 0)
            throw new ArgumentException($"{numGroups} groups do not divide {numChannels} channels; use a divisor of {numChannels}.", nameof(numGroups));
        (num_groups, this.eps) = (numGroups, eps);
        if (affine) (weight, bias) = (new Parameter(ones([numChannels], dtype, device)), new Parameter(zeros([numChannels], dtype, device)));
        RegisterComponents();
    }

    /// <summary>The number of groups.</summary>
    public long num_groups { get; }

    /// <summary>Added to the variance.</summary>
    public double eps { get; }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input) => nn.functional.group_norm(input, num_groups, weight, bias, eps);
}
