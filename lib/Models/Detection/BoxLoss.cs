using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Models.Detection;

/// <summary>The distance between deltas.</summary>
internal static class BoxLoss
{
    /// <summary>
    /// Smooth L1, summed over all numbers: half the square over beta below beta, and the difference less half of beta
    /// from there on. Beta 0 is L1.
    /// </summary>
    /// <returns>One number; 0, with a gradient of 0, where there are no deltas.</returns>
    internal static Tensor Of(Tensor deltas, Tensor wanted, double beta)
    {
        using var scope = NewDisposeScope();
        var distance = (deltas.to_type(ScalarType.Float32) - wanted).abs();
        var loss =
            beta > 0 ? where(distance.lt(beta), distance.square() * (.5 / beta), distance - .5 * beta) : distance;
        return loss.sum().MoveToOuterDisposeScope();
    }
}
