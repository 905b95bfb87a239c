using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Patchify;

/// <summary>
/// Images to patches and back. A patch is a row of C p p numbers, channel by channel, as a convolution's weight is laid
/// out.
/// </summary>
public static class Patches
{
    /// <summary>
    /// Cuts images (B, C, H, W) into patches (B, L, C p p), row by row. For p = 1 this is a view: each pixel is a
    /// token.
    /// </summary>
    /// <exception cref="ArgumentException">The patch size does not divide the image.</exception>
    public static Tensor Split(Tensor images, int patchSize)
    {
        var (b, c, h, w) = (images.shape[0], images.shape[1], images.shape[2], images.shape[3]);
        var grid = PatchGrid.Of((int)h, (int)w, patchSize);
        if (patchSize == 1)
            return images.flatten(2).transpose(1, 2); // (B, H W, C)
        return images
            .reshape(b, c, grid.Rows, patchSize, grid.Columns, patchSize)
            .permute(0, 2, 4, 1, 3, 5) // (B, rows, columns, C, p, p)
            .reshape(b, grid.Count, c * patchSize * patchSize); // (B, L, C p p)
    }

    /// <summary>Puts patches (B, L, C p p) back into images (B, C, H, W).</summary>
    /// <exception cref="ArgumentException">L is not the grid's count.</exception>
    public static Tensor Join(Tensor patches, PatchGrid grid, int patchSize)
    {
        long b = patches.shape[0],
            length = patches.shape[1],
            c = patches.shape[2] / (patchSize * patchSize);
        if (length != grid.Count)
            throw new ArgumentException(
                $"{length} patches do not fill a grid of {grid} ({grid.Count}); give the grid they were cut from."
            );
        return patches
            .reshape(b, grid.Rows, grid.Columns, c, patchSize, patchSize)
            .permute(0, 3, 1, 4, 2, 5) // (B, C, rows, p, columns, p)
            .reshape(b, c, (long)grid.Rows * patchSize, (long)grid.Columns * patchSize); // (B, C, H, W)
    }
}
