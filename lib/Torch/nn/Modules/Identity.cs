using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>Passes its input on.</summary>
public sealed class Identity : nn.Module<Tensor, Tensor>
{
    internal Identity() : base(nameof(Identity)) { }

    /// <summary>A second handle to the input, which may be disposed on its own.</summary>
    /// <param name="input">any tensor.</param>
    public override Tensor forward(Tensor input) => input.alias();
}
