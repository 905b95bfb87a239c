using PatchKit.Torch.Calls;
using static TorchSharp.torch;

namespace PatchKit.Ops;

/// <summary>
/// Causal depthwise convolution over a sequence, with SiLU: each channel sees itself and the width - 1 tokens before.
/// </summary>
public static partial class CausalConv
{
    /// <summary>The fused form where the device has it, else the composed one.</summary>
    /// <param name="x">(b, l, d).</param>
    /// <param name="weight">(d, width); the last tap multiplies the current token.</param>
    /// <param name="bias">(d).</param>
    /// <param name="silu">whether SiLU follows.</param>
    /// <param name="initialStates">(b, width - 1, d): the tokens before the first; zeros where absent.</param>
    /// <returns>(b, l, d).</returns>
    /// <exception cref="ArgumentException">A shape, a type or a device does not fit; the message names it.</exception>
    public static Tensor Run(Tensor x, Tensor weight, Tensor? bias, bool silu, Tensor? initialStates = null) =>
        KernelTarget.Has(x)
            ? Fused(x, weight, bias, silu, initialStates)
            : Composed(x, weight, bias, silu, initialStates);

    /// <summary>libtorch's grouped convolution on a padded copy.</summary>
    /// <inheritdoc cref="Run"/>
    public static Tensor Composed(Tensor x, Tensor weight, Tensor? bias, bool silu, Tensor? initialStates = null)
    {
        using var scope = NewDisposeScope();
        var (b, d, before) = (x.shape[0], x.shape[2], weight.shape[1] - 1);
        var initial = initialStates ?? zeros([b, before, d], x.dtype, x.device); // (b, width - 1, d)
        var padded = cat([initial, x], 1).transpose(1, 2); // (b, d, width - 1 + l)
        var y = nn.functional.conv1d(padded, weight.unsqueeze(1), bias, groups: d).transpose(1, 2); // (b, l, d)
        return (silu ? nn.functional.silu(y) : y.alias()).MoveToOuterDisposeScope();
    }
}
