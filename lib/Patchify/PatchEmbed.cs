using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace PatchKit.Patchify;

/// <summary>
/// Patchification (section 3.1): each p x p patch becomes a token by one linear map; p = 1 is pixel tokenization. The
/// weights are those of the convolution "proj" of the official checkpoints, applied as one matrix product. So no
/// backbone runs a convolution that channels-last memory would speed up; the decoders' would, and are left as they are
/// until a GPU has shown what it pays.
/// </summary>
public sealed class PatchEmbed : nn.Module<Tensor, Tensor>
{
    private readonly Conv2d proj;

    /// <summary>A patch embedding.</summary>
    /// <param name="patchSize">the patch size p, 1 to 64.</param>
    /// <param name="embedDim">the token dimension D.</param>
    /// <param name="channels">image channels C.</param>
    /// <exception cref="ArgumentException">The patch size is outside 1..64.</exception>
    public PatchEmbed(int patchSize, int embedDim, int channels = 3)
        : base(nameof(PatchEmbed))
    {
        PatchGrid.Of(patchSize, patchSize, patchSize);
        (PatchSize, EmbedDim) = (patchSize, embedDim);
        proj = nn.Conv2d(channels, embedDim, kernel_size: patchSize, stride: patchSize);
        RegisterComponents();
    }

    /// <summary>The patch size p.</summary>
    public int PatchSize { get; }

    /// <summary>The token dimension D.</summary>
    public int EmbedDim { get; }

    /// <summary>The projection's weight (D, C, p, p).</summary>
    public Parameter Weight => proj.weight;

    /// <summary>The projection's bias (D).</summary>
    public Parameter Bias => proj.bias!;

    /// <summary>Images (B, C, H, W) to tokens (B, L, D), row by row.</summary>
    /// <exception cref="ArgumentException">The patch size does not divide the image.</exception>
    public override Tensor forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        var patches = Patches.Split(images, PatchSize); // (B, L, C p p)
        var weight = Weight.flatten(1); // (D, C p p)
        var tokens =
            PatchSize == 1
                // The pixels stay where they are. TorchSharp's baddbmm takes what is added last, whatever its
                // parameters' names say.
                ? baddbmm(patches, weight.transpose(0, 1).expand(images.shape[0], -1, -1), Bias)
                : nn.functional.linear(patches, weight, Bias);
        return tokens.MoveToOuterDisposeScope(); // (B, L, D)
    }
}
