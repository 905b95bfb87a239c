using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Models.Segmentation;

/// <summary>
/// Semantic segmentation with a plain encoder (sections 3.2 and 4.2): dense tokens, a decoder or one linear layer,
/// bilinear upsampling to the image. Images may be of any size; one that the patch size does not divide is padded below
/// and at the right, and positions are interpolated.
/// </summary>
public sealed class Segmenter : nn.Module<Tensor, Tensor>
{
    private readonly Backbone backbone;
    private readonly SegmentationHead decoder;
    private readonly FcnHead? auxiliary;

    /// <summary>A segmentation model, in training mode, its weights drawn from the default generator.</summary>
    /// <param name="backbone">the encoder; its classes do not matter, it is made without a head.</param>
    /// <param name="classes">how many classes a pixel may have.</param>
    /// <param name="config">what stands on it; one linear layer if null.</param>
    /// <exception cref="ArgumentException">The backbone or the decoder cannot be made.</exception>
    public Segmenter(BackboneConfig backbone, int classes, SegmentationConfig? config = null)
        : base(nameof(Segmenter))
    {
        if (classes < 1)
            throw new ArgumentException($"a segmentation of {classes} classes tells nothing; use 1 or more.");
        (Config, Classes) = (config ?? SegmentationConfig.Linear, classes);
        this.backbone = (backbone with { Classes = 0 }).Create();
        decoder = Config.Create(backbone, classes);
        if (Config.Auxiliary)
            auxiliary = new FcnHead(backbone.EmbedDim, classes);
        RegisterComponents();
    }

    /// <summary>What stands on the backbone.</summary>
    public SegmentationConfig Config { get; }

    /// <summary>How many classes a pixel may have.</summary>
    public int Classes { get; }

    /// <summary>The encoder.</summary>
    public Backbone Backbone => backbone;

    /// <summary>The decoder.</summary>
    public SegmentationHead Decoder => decoder;

    /// <summary>Images (B, 3, H, W) of any size to scores (B, classes, H, W).</summary>
    public override Tensor forward(Tensor images) => Scores(images, withAuxiliary: false).Main;

    /// <summary>
    /// Images (B, 3, H, W) of any size to the decoder's scores and the auxiliary head's, each (B, classes, H, W); null
    /// where the model has no auxiliary head.
    /// </summary>
    public (Tensor Main, Tensor? Auxiliary) Scores(Tensor images) => Scores(images, auxiliary is not null);

    private (Tensor Main, Tensor? Auxiliary) Scores(Tensor images, bool withAuxiliary)
    {
        using var scope = NewDisposeScope();
        var (height, width) = (images.shape[2], images.shape[3]);
        var padded = Padded(images); // (B, 3, H', W')
        var map = backbone.Features(padded).Map(); // (B, D, rows, columns)
        var main = Enlarged(decoder.call(map)).MoveToOuterDisposeScope();
        return (main, withAuxiliary ? Enlarged(auxiliary!.call(map)).MoveToOuterDisposeScope() : null);

        Tensor Enlarged(Tensor scores) =>
            nn
                .functional.interpolate(
                    scores,
                    [padded.shape[2], padded.shape[3]],
                    mode: InterpolationMode.Bilinear,
                    align_corners: false
                ) // (B, classes, H', W')
                .narrow(2, 0, height)
                .narrow(3, 0, width); // (B, classes, H, W)
    }

    /// <summary>Where the numbers of a forward pass first stop being finite; null where they never do.</summary>
    public string? FirstNonFinite(Tensor images)
    {
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        var padded = Padded(images);
        if (backbone.FirstNonFinite(padded) is { } layer)
            return layer;
        return decoder.call(backbone.Features(padded).Map()).isfinite().all().item<bool>() ? null : "the decoder";
    }

    // To multiples of the patch size, with 0: the mean colour, where images are normalised.
    private Tensor Padded(Tensor images)
    {
        int patch = Math.Max(backbone.Config.PatchSize, backbone.Config.TokenPatchSize ?? 1);
        long below = (patch - images.shape[2] % patch) % patch,
            right = (patch - images.shape[3] % patch) % patch;
        return below + right == 0 ? images : nn.functional.pad(images, [0, right, 0, below]);
    }
}
