using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Patchify;

/// <summary>
/// Learned position embeddings (1, L + E, D), E of them of tokens beside the patches, resized bicubically from one grid
/// to another.
/// </summary>
public static class PositionEmbedding
{
    /// <summary>Resizes the patches' positions; the class token's is kept.</summary>
    /// <param name="embedding">(1, L + E, D).</param>
    /// <param name="from">the grid it was learned on.</param>
    /// <param name="to">the grid it is wanted for.</param>
    /// <param name="cls"> Where the class token's position stands. The official code's --finetune takes it to be first
    /// also for Adventurer, where it is last: pass <see cref="ClsToken.First"/> there to reproduce it (see
    /// <see cref="PositionLoading"/>). </param>
    /// <param name="extra">E: 1 for the class token, 2 where a distillation token follows it, 0 where the patches alone
    /// have positions.</param>
    /// <exception cref="ArgumentException">The embedding does not have L + E positions.</exception>
    public static Tensor Resize(Tensor embedding, PatchGrid from, PatchGrid to, ClsToken cls, int extra = 1)
    {
        if (embedding.ndim != 3 || embedding.shape[1] != from.Count + extra)
            throw new ArgumentException(
                $"a position embedding of shape [{string.Join(", ", embedding.shape)}] does not fit a grid "
                    + $"of {from}, which needs [1, {from.Count + extra}, D]."
            );
        using var scope = NewDisposeScope();
        var patches = embedding.narrow(1, cls == ClsToken.First ? extra : 0, from.Count); // (1, L, D)
        var tokens = embedding.narrow(1, cls == ClsToken.First ? 0 : from.Count, extra); // (1, E, D)
        var resized = TokenExtension.Extend(patches, from, to, InterpolationMode.Bicubic); // (1, L', D)
        var joined = cat(cls == ClsToken.First ? [tokens, resized] : [resized, tokens], 1); // (1, L' + E, D)
        return joined.MoveToOuterDisposeScope();
    }
}

/// <summary>How a checkpoint's position embedding is taken to another grid.</summary>
public enum PositionLoading
{
    /// <summary>The class token's position is the one that the model has for it.</summary>
    Correct,

    /// <summary>
    /// As the official --finetune code does: the first position is taken for the class token's. For Adventurer, whose
    /// class token is last, that keeps the first patch's position and interpolates the others shifted by one.
    /// </summary>
    OfficialShifted,
}
