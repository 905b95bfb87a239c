using static TorchSharp.torch;

namespace PatchKit.Ops;

/// <summary>Attention: softmax(q k^T scale) v for each head, in a composed form and in forms that never hold an L x L tensor.</summary>
public static class Attention
{
    /// <summary>libtorch's own fused attention where it has one, else patchkit::attention, else the composed form.</summary>
    /// <param name="q">(B, H, L, D).</param>
    /// <param name="k">(B, H, L, D).</param>
    /// <param name="v">(B, H, L, D).</param>
    /// <param name="scale">1 / sqrt(D) where absent.</param>
    /// <returns>(B, H, L, D).</returns>
    /// <exception cref="System.Runtime.InteropServices.ExternalException">The shapes do not fit; the message names them.</exception>
    public static Tensor Scaled(Tensor q, Tensor k, Tensor v, double? scale = null) =>
        Engine.HasSdpa ? Engine.ScaledDotProductAttention(q, k, v, scale)
        : Engine.HasAttention(q.device) ? Engine.Attention(q, k, v, scale)
        : Composed(q, k, v, scale);

    /// <summary>The definition, with an L x L tensor for each head.</summary>
    /// <inheritdoc cref="Scaled"/>
    public static Tensor Composed(Tensor q, Tensor k, Tensor v, double? scale = null)
    {
        using var scope = NewDisposeScope();
        var weights = (q * (scale ?? 1 / Math.Sqrt(q.shape[^1]))).matmul(k.transpose(-2, -1)).softmax(-1);   // (B, H, L, L)
        return weights.matmul(v).MoveToOuterDisposeScope();                                                 // (B, H, L, D)
    }
}
