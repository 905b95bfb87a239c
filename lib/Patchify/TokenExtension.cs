using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Patchify;

/// <summary>
/// Table 5's ablation: a longer sequence without more information. The large patch's tokens are interpolated spatially
/// to the length that a smaller patch would give.
/// </summary>
public static class TokenExtension
{
    /// <summary>Tokens (B, L, D) on one grid, interpolated to another: (B, L', D).</summary>
    /// <exception cref="ArgumentException">L is not the first grid's count.</exception>
    public static Tensor Extend(
        Tensor tokens,
        PatchGrid from,
        PatchGrid to,
        InterpolationMode mode = InterpolationMode.Bilinear
    )
    {
        if (tokens.shape[1] != from.Count)
            throw new ArgumentException(
                $"{tokens.shape[1]} tokens do not lie on a grid of {from} ({from.Count}); leave class tokens out."
            );
        if (from == to)
            return tokens.alias();
        using var scope = NewDisposeScope();
        var map = tokens.transpose(1, 2).reshape(tokens.shape[0], -1, from.Rows, from.Columns); // (B, D, rows, columns)
        var wide = nn.functional.interpolate(
            map,
            [to.Rows, to.Columns],
            mode: mode,
            align_corners: mode == InterpolationMode.Nearest ? null : false
        ); // (B, D, rows', columns')
        return wide.flatten(2).transpose(1, 2).MoveToOuterDisposeScope(); // (B, L', D)
    }
}
