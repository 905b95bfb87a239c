using PatchKit.Patchify;
using static TorchSharp.torch;

namespace PatchKit.Models;

/// <summary>What a backbone makes of images: a token for each patch, and one for the whole.</summary>
/// <param name="Tokens">(B, L, D), row by row.</param>
/// <param name="Cls">(B, D): the class token.</param>
/// <param name="Grid">The patches' rows and columns.</param>
public sealed record DenseFeatures(Tensor Tokens, Tensor Cls, PatchGrid Grid)
{
    /// <summary>The tokens as a feature map (B, D, rows, columns).</summary>
    public Tensor Map() => Tokens.transpose(1, 2).reshape(Tokens.shape[0], -1, Grid.Rows, Grid.Columns);
}
