using PatchKit.Torch.Calls;
using static TorchSharp.torch;

namespace PatchKit.Ops;

/// <summary>
/// Attention: softmax(q k^T scale) v for each head, in a composed form and in forms that never hold an L x L tensor.
/// </summary>
public static partial class Attention
{
    /// <summary>
    /// libpatchkit's tiled form on the CPU, where it is faster than libtorch's own (`patchkit bench attention`);
    /// elsewhere libtorch's.
    /// </summary>
    /// <param name="q">(B, H, L, D).</param>
    /// <param name="k">(B, H, L, D).</param>
    /// <param name="v">(B, H, L, D).</param>
    /// <param name="scale">1 / sqrt(D) where absent.</param>
    /// <returns>(B, H, L, D).</returns>
    /// <exception cref="ArgumentException">On the CPU: the shapes do not fit; the message names them.</exception>
    /// <exception cref="System.Runtime.InteropServices.ExternalException">Elsewhere: the same.</exception>
    public static Tensor Scaled(Tensor q, Tensor k, Tensor v, double? scale = null) =>
        Kernels.On(q) ? Tiled(q, k, v, scale) : ScaledDotProduct(q, k, v, scale);

    /// <summary>
    /// libtorch's scaled_dot_product_attention. TorchSharp's has no scale but 1 / sqrt(D): another one goes into q.
    /// </summary>
    /// <inheritdoc cref="Scaled"/>
    internal static Tensor ScaledDotProduct(Tensor q, Tensor k, Tensor v, double? scale = null)
    {
        if (scale is not { } factor)
            return nn.functional.scaled_dot_product_attention(q, k, v);
        using var scope = NewDisposeScope();
        return nn
            .functional.scaled_dot_product_attention(q * (factor * Math.Sqrt(q.shape[^1])), k, v)
            .MoveToOuterDisposeScope();
    }

    /// <summary>The definition, with an L x L tensor for each head.</summary>
    /// <inheritdoc cref="Scaled"/>
    public static Tensor Composed(Tensor q, Tensor k, Tensor v, double? scale = null)
    {
        using var scope = NewDisposeScope();
        var scores = (q * (scale ?? 1 / Math.Sqrt(q.shape[^1]))).matmul(k.transpose(-2, -1)); // (B, H, L, L)
        var weights = scores.softmax(-1); // (B, H, L, L)
        return weights.matmul(v).MoveToOuterDisposeScope(); // (B, H, L, D)
    }
}
