using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Patchify;

/// <summary>Learned position embeddings (1, L + 1, D), one of them the class token's, resized bicubically from one grid to another.</summary>
public static class PositionEmbedding
{
    /// <summary>Resizes the patches' positions; the class token's is kept.</summary>
    /// <param name="embedding">(1, L + 1, D).</param>
    /// <param name="from">The grid it was learned on.</param>
    /// <param name="to">The grid it is wanted for.</param>
    /// <param name="cls">
    /// Where the class token's position stands. The official code's --finetune takes it to be first also for Adventurer, where it is last:
    /// pass <see cref="ClsToken.First"/> there to reproduce it (see <see cref="PositionLoading"/>).
    /// </param>
    /// <exception cref="ArgumentException">The embedding does not have L + 1 positions.</exception>
    public static Tensor Resize(Tensor embedding, PatchGrid from, PatchGrid to, ClsToken cls)
    {
        if (embedding.ndim != 3 || embedding.shape[1] != from.Count + 1)
            throw new ArgumentException($"a position embedding of shape [{string.Join(", ", embedding.shape)}] does not fit a grid of {from}, which needs [1, {from.Count + 1}, D].");
        using var scope = NewDisposeScope();
        long at = cls == ClsToken.First ? 1 : 0;
        var patches = embedding.narrow(1, at, from.Count);                                                    // (1, L, D)
        var token = embedding.narrow(1, cls == ClsToken.First ? 0 : from.Count, 1);                           // (1, 1, D)
        var resized = TokenExtension.Extend(patches, from, to, InterpolationMode.Bicubic);                    // (1, L', D)
        return cat(cls == ClsToken.First ? [token, resized] : [resized, token], 1).MoveToOuterDisposeScope(); // (1, L' + 1, D)
    }
}
