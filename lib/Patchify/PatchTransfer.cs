using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Patchify;

/// <summary>
/// A patch embedding trained at one patch size, taken to another, so that a sweep can start from one checkpoint. The
/// official code has none. Pseudo-inverse resize (FlexiViT, Beyer et al. 2023, section 3.4): the weights under which a
/// resized patch gives the token that the original gave.
/// </summary>
public static class PatchTransfer
{
    /// <summary>Weights (D, C, p, p) to (D, C, p', p').</summary>
    /// <exception cref="ArgumentException">The new patch size is outside 1..64.</exception>
    public static Tensor Resize(Tensor weight, int patchSize)
    {
        PatchGrid.Of(patchSize, patchSize, patchSize);
        long from = weight.shape[2];
        if (from == patchSize)
            return weight.clone();
        using var scope = NewDisposeScope();
        var pixels = eye(from * from, dtype: weight.dtype, device: weight.device); // (p p, p p)
        var basis = pixels.reshape(-1, 1, from, from); // (p p, 1, p, p)
        var resize = nn
            .functional.interpolate(
                basis,
                [patchSize, patchSize],
                mode: InterpolationMode.Bilinear,
                align_corners: false,
                antialias: patchSize < from
            )
            .flatten(1); // (p p, p' p'): row i is pixel i, resized
        var inverse = linalg.pinv(resize); // (p' p', p p)
        return weight
            .flatten(2)
            .matmul(inverse.transpose(0, 1)) // (D, C, p' p')
            .reshape(weight.shape[0], weight.shape[1], patchSize, patchSize)
            .MoveToOuterDisposeScope();
    }
}
