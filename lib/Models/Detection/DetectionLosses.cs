using static TorchSharp.torch;

namespace PatchKit.Models.Detection;

/// <summary>The losses of a batch, each one number, weighted as they are summed.</summary>
/// <param name="Objectness">binary cross entropy of the anchors that were drawn.</param>
/// <param name="Proposals">the distance of their deltas.</param>
/// <param name="Class">cross entropy of the regions, over the stages.</param>
/// <param name="Box">the distance of their deltas, over the stages.</param>
/// <param name="Mask">binary cross entropy of the masks' pixels.</param>
public sealed record DetectionLosses(Tensor Objectness, Tensor Proposals, Tensor Class, Tensor Box, Tensor Mask)
{
    /// <summary>The sum, which training makes smaller.</summary>
    public Tensor Total => Objectness + Proposals + Class + Box + Mask;

    /// <summary>The five, in their order.</summary>
    public IReadOnlyList<Tensor> Parts => [Objectness, Proposals, Class, Box, Mask];
}
