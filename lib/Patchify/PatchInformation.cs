using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Patchify;

/// <summary>
/// What a linear patch embedding of dimension D can keep of an image: of all maps to D numbers and back, the principal
/// components lose least. Where D is at least C p p nothing need be lost; where it is smaller, detail is.
/// </summary>
/// <param name="Images">the images as they can be recovered from the tokens, (B, C, H, W).</param>
/// <param name="KeptVariance">the part of the patches' variance that is kept, 0 to 1.</param>
public sealed record PatchInformation(Tensor Images, double KeptVariance)
{
    /// <summary>Projects the patches of images (B, C, H, W) on their best D directions and back.</summary>
    /// <exception cref="ArgumentException">The patch size does not divide the image, or D is below 1.</exception>
    public static PatchInformation Keep(Tensor images, int patchSize, int embedDim)
    {
        if (embedDim < 1)
            throw new ArgumentException($"embedding dimension {embedDim} keeps nothing; use at least 1.");
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        var grid = PatchGrid.Of((int)images.shape[2], (int)images.shape[3], patchSize);
        var patches = Patches.Split(images, patchSize); // (B, L, C p p)
        var rows = patches.flatten(0, 1); // (B L, C p p)
        var mean = rows.mean([0], keepdim: true);
        var (_, deviation, directions) = linalg.svd(rows - mean, fullMatrices: false); // (k), (k, C p p)
        long kept = Math.Min(embedDim, deviation.shape[0]);
        var best = directions.narrow(0, 0, kept); // (D, C p p)
        var recovered = (rows - mean).matmul(best.transpose(0, 1)).matmul(best) + mean; // (B L, C p p)
        double total = deviation.square().sum().ToDouble(),
            keptPower = deviation.narrow(0, 0, kept).square().sum().ToDouble();
        return new PatchInformation(
            Patches.Join(recovered.reshape(patches.shape), grid, patchSize).MoveToOuterDisposeScope(),
            total > 0 ? keptPower / total : 1
        );
    }

    /// <summary>
    /// The part of the patches' variance that the best 1, 2, 3, ... directions keep: what tokens of so many numbers can
    /// hold at most.
    /// </summary>
    /// <param name="images">(B, C, H, W).</param>
    /// <param name="patchSize">p.</param>
    /// <returns>C p p numbers, rising to 1.</returns>
    /// <exception cref="ArgumentException">The patch size does not divide the image.</exception>
    public static IReadOnlyList<double> CumulativeVariance(Tensor images, int patchSize)
    {
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        var rows = Patches.Split(images, patchSize).flatten(0, 1).to(float64); // (B L, C p p)
        var centred = rows - rows.mean([0], keepdim: true);
        var (_, power, _) = linalg.svd(centred.transpose(0, 1).matmul(centred)); // (C p p)
        double total = power.sum().ToDouble();
        return [.. power.cumsum(0).data<double>().Select(kept => total > 0 ? Math.Min(1, kept / total) : 1)];
    }

    /// <summary>
    /// What any tokens keep, such as a <see cref="PatchEmbed"/>'s: the images as the best linear map recovers them from
    /// the tokens.
    /// </summary>
    /// <param name="images">(B, C, H, W).</param>
    /// <param name="patchSize">p.</param>
    /// <param name="tokens">(B, L, D), a token for each patch.</param>
    /// <exception cref="ArgumentException">The patch size does not divide the image, or there are not as many tokens as
    /// patches.</exception>
    public static PatchInformation KeptBy(Tensor images, int patchSize, Tensor tokens)
    {
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        var grid = PatchGrid.Of((int)images.shape[2], (int)images.shape[3], patchSize);
        if (tokens.ndim != 3 || tokens.shape[0] != images.shape[0] || tokens.shape[1] != grid.Count)
            throw new ArgumentException(
                $"tokens of shape [{string.Join(", ", tokens.shape)}] were given for {images.shape[0]} "
                    + $"images of {grid} patches; give one token for each patch, without class tokens."
            );
        var patches = Patches.Split(images, patchSize); // (B, L, C p p)
        var rows = patches.flatten(0, 1).to(float64); // (B L, C p p)
        var seen = tokens.flatten(0, 1).to(float64); // (B L, D)
        Tensor mean = rows.mean([0], keepdim: true),
            centred = rows - mean,
            known = seen - seen.mean([0], keepdim: true);
        var gram = known.transpose(0, 1).matmul(known); // (D, D)
        var correlation = known.transpose(0, 1).matmul(centred); // (D, C p p)
        var recovered = known.matmul(linalg.pinv(gram, rtol: 1e-10).matmul(correlation)); // (B L, C p p)
        double total = centred.square().sum().ToDouble(),
            missed = (centred - recovered).square().sum().ToDouble();
        var joined = Patches.Join((recovered + mean).to(images.dtype).reshape(patches.shape), grid, patchSize);
        return new PatchInformation(joined.MoveToOuterDisposeScope(), total > 0 ? 1 - missed / total : 1);
    }
}
