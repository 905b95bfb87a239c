using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>x sigmoid(x), elementwise.</summary>
public sealed class SiLU : nn.Module<Tensor, Tensor>
{
    internal SiLU() : base(nameof(SiLU)) { }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input) => nn.functional.silu(input);
}
