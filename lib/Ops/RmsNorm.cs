using PatchKit.Torch.Calls;
using static TorchSharp.torch;

namespace PatchKit.Ops;

/// <summary>
/// Root-mean-square normalisation, optionally gated by silu(z) before or after, over all channels or over groups of
/// them.
/// </summary>
public static partial class RmsNorm
{
    /// <summary>The fused form where the device has it, else the composed one.</summary>
    /// <param name="x">(..., d).</param>
    /// <param name="weight">(d).</param>
    /// <param name="z">(..., d): the gate; none where absent.</param>
    /// <param name="eps">added to the mean square.</param>
    /// <param name="groupSize">channels that are normalised together; 0 for all.</param>
    /// <param name="normBeforeGate">true: rmsnorm(x) w silu(z); false, as in Mamba-2's mixer: rmsnorm(x silu(z))
    /// w.</param>
    /// <returns>(..., d).</returns>
    /// <exception cref="ArgumentException">A shape, a type or a device does not fit; the message names it.</exception>
    public static Tensor Run(
        Tensor x,
        Tensor weight,
        Tensor? z = null,
        double eps = 1e-5,
        long groupSize = 0,
        bool normBeforeGate = false
    ) =>
        KernelTarget.Has(x)
            ? Fused(x, weight, z, eps, groupSize, normBeforeGate)
            : Composed(x, weight, z, eps, groupSize, normBeforeGate);

    /// <summary>The definition.</summary>
    /// <inheritdoc cref="Run"/>
    public static Tensor Composed(
        Tensor x,
        Tensor weight,
        Tensor? z = null,
        double eps = 1e-5,
        long groupSize = 0,
        bool normBeforeGate = false
    )
    {
        using var scope = NewDisposeScope();
        var gate = z is null ? null : nn.functional.silu(z);
        var gated = gate is not null && !normBeforeGate ? x * gate : x;
        long[] grouped = [.. x.shape[..^1], -1, groupSize > 0 ? groupSize : x.shape[^1]];
        var groups = gated.reshape(grouped); // (..., groups, group size)
        var y = (groups * (groups.square().mean([-1], keepdim: true) + eps).rsqrt()).reshape(x.shape) * weight;
        return (gate is not null && normBeforeGate ? y * gate : y).MoveToOuterDisposeScope();
    }
}
