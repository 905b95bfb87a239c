using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>x Phi(x), elementwise.</summary>
public sealed class GELU : nn.Module<Tensor, Tensor>
{
    internal GELU(Approximate approximate) : base(nameof(GELU)) => this.approximate = approximate;

    /// <summary>How Phi, the normal distribution function, is computed.</summary>
    public enum Approximate
    {
        /// <summary>By the error function.</summary>
        none,

        /// <summary>By 0.5 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).</summary>
        tanh,
    }

    /// <summary>How Phi is computed.</summary>
    public Approximate approximate { get; }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input) => nn.functional.gelu(input, approximate);
}
