namespace PatchKit.Models;

/// <summary>What a head on a backbone takes for one training image, without the backbone.</summary>
/// <param name="Parameters">learned numbers.</param>
/// <param name="Macs">multiply-accumulates of the forward pass.</param>
/// <param name="ActivationBytes">kept for the backward pass under bfloat16 autocast.</param>
internal readonly record struct HeadCost(long Parameters, double Macs, double ActivationBytes);

/// <summary>
/// Bytes of the numbers that heads keep for the backward pass under bfloat16 autocast: products read and write
/// bfloat16, norms float32.
/// </summary>
internal static class AutocastBytes
{
    internal const int Bf16 = 2,
        Fp32 = 4;

    /// <summary>
    /// Norm and activation after a product: the norm's input, the activation's output, the copy that the next product
    /// reads.
    /// </summary>
    internal const int Normed = Fp32 + Fp32 + Bf16;

    /// <summary>A score: as it comes, in float32, and as logarithm of the softmax.</summary>
    internal const int Score = Bf16 + 2 * Fp32;

    /// <summary>The gradients of the last two, which heads need one after the other.</summary>
    internal const int ScoreGradients = 2 * Fp32;
}
