using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Patchify;

/// <summary>
/// What a linear patch embedding of dimension D can keep of an image: of all maps to D numbers and back, the principal components
/// lose least. Where D is at least C p p nothing need be lost; where it is smaller, detail is.
/// </summary>
/// <param name="Images">The images as they can be recovered from the tokens, (B, C, H, W).</param>
/// <param name="KeptVariance">The part of the patches' variance that is kept, 0 to 1.</param>
public sealed record PatchInformation(Tensor Images, double KeptVariance)
{
    /// <summary>Projects the patches of images (B, C, H, W) on their best D directions and back.</summary>
    /// <exception cref="ArgumentException">The patch size does not divide the image, or D is below 1.</exception>
    public static PatchInformation Keep(Tensor images, int patchSize, int embedDim)
    {
        if (embedDim < 1) throw new ArgumentException($"embedding dimension {embedDim} keeps nothing; use at least 1.");
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        var grid = PatchGrid.Of((int)images.shape[2], (int)images.shape[3], patchSize);
        var patches = Patches.Split(images, patchSize);                                    // (B, L, C p p)
        var rows = patches.flatten(0, 1);                                                  // (B L, C p p)
        var mean = rows.mean([0], keepdim: true);
        var (_, deviation, directions) = linalg.svd(rows - mean, fullMatrices: false);     // (k), (k, C p p)
        long kept = Math.Min(embedDim, deviation.shape[0]);
        var best = directions.narrow(0, 0, kept);                                          // (D, C p p)
        var recovered = (rows - mean).matmul(best.transpose(0, 1)).matmul(best) + mean;    // (B L, C p p)
        double total = deviation.square().sum().ToDouble(), keptPower = deviation.narrow(0, 0, kept).square().sum().ToDouble();
        return new PatchInformation(Patches.Join(recovered.reshape(patches.shape), grid, patchSize).MoveToOuterDisposeScope(), total > 0 ? keptPower / total : 1);
    }
}
