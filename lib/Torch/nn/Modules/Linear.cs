using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>The affine map x W^T + b over the last dimension: (..., in_features) to (..., out_features).</summary>
public sealed class Linear : nn.Module<Tensor, Tensor>
{
    /// <summary>W, (out_features, in_features); starts uniform within 1 / sqrt(in_features).</summary>
    public readonly Parameter weight;

    /// <summary>b, (out_features), or null; starts uniform within 1 / sqrt(in_features).</summary>
    public readonly Parameter? bias;

    internal Linear(long inputSize, long outputSize, bool hasBias, Device? device, ScalarType? dtype) : base(nameof(Linear))
    {
        weight = new Parameter(empty([outputSize, inputSize], dtype, device));
        bias = hasBias ? new Parameter(empty([outputSize], dtype, device)) : null;
        nn.init.DefaultInit(weight, bias);
        RegisterComponents();
    }

    /// <summary>The size of the input's last dimension.</summary>
    public long in_features => weight.shape[1];

    /// <summary>The size of the output's last dimension.</summary>
    public long out_features => weight.shape[0];

    /// <inheritdoc/>
    public override Tensor forward(Tensor input) => nn.functional.linear(input, weight, bias);
}
