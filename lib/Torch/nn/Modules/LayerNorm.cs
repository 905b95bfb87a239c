using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>Normalises the last dimensions of each sample to mean 0 and variance 1, then scales and shifts; the shape stays.</summary>
public sealed class LayerNorm : nn.Module<Tensor, Tensor>
{
    /// <summary>The scale, normalized_shape, or null; starts at 1.</summary>
    public readonly Parameter? weight;

    /// <summary>The shift, normalized_shape, or null; starts at 0.</summary>
    public readonly Parameter? bias;

    internal LayerNorm(long[] normalizedShape, double eps, bool elementwiseAffine, bool hasBias, Device? device, ScalarType? dtype) : base(nameof(LayerNorm))
    {
        (normalized_shape, this.eps) = (normalizedShape, eps);
        if (elementwiseAffine) weight = new Parameter(ones(normalizedShape, dtype, device));
        if (elementwiseAffine && hasBias) bias = new Parameter(zeros(normalizedShape, dtype, device));
        RegisterComponents();
    }

    /// <summary>The sizes of the dimensions normalised over, the input's last ones.</summary>
    public long[] normalized_shape { get; }

    /// <summary>Added to the variance.</summary>
    public double eps { get; }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input) => nn.functional.layer_norm(input, normalized_shape, weight, bias, eps);
}
