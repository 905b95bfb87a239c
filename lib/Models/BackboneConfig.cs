using System.Text.Json.Serialization;
using PatchKit.Patchify;
using PatchKit.ScalingLaws;

namespace PatchKit.Models;

/// <summary>
/// What both model families have in common. Defaults are the paper's: 224 x 224 pixels, patch size 16, 1000 classes
/// (Table 7).
/// </summary>
[JsonDerivedType(typeof(VisionTransformerConfig), "vit"), JsonDerivedType(typeof(AdventurerConfig), "adventurer")]
public abstract record BackboneConfig
{
    /// <summary>Its kind.</summary>
    [JsonIgnore]
    public Family Family => this is VisionTransformerConfig ? Family.ViT : Family.Adventurer;

    /// <summary>Image height in pixels.</summary>
    public int Height { get; init; } = 224;

    /// <summary>Image width in pixels.</summary>
    public int Width { get; init; } = 224;

    /// <summary>The patch size p: 1 makes each pixel a token.</summary>
    public int PatchSize { get; init; } = 16;

    /// <summary>
    /// Table 5's ablation: the patch size whose sequence length the tokens are interpolated to; the patch size itself
    /// for none.
    /// </summary>
    public int? TokenPatchSize { get; init; }

    /// <summary>The token dimension D.</summary>
    public int EmbedDim { get; init; } = 768;

    /// <summary>The number of blocks.</summary>
    public int Depth { get; init; } = 12;

    /// <summary>The number of classes; 0 for a model without a head, which gives dense features alone.</summary>
    public int Classes { get; init; } = 1000;

    /// <summary>
    /// The largest probability with which training drops a residual branch; it grows from 0 over the blocks.
    /// </summary>
    public double DropPath { get; init; }

    /// <summary>
    /// Whether blocks are recomputed in the backward pass instead of kept (activation checkpointing): less memory, a
    /// third more time.
    /// </summary>
    public bool Checkpointing { get; init; }

    /// <summary>The grid that the image is cut into.</summary>
    /// <exception cref="ArgumentException">The patch size does not divide the image.</exception>
    public PatchGrid PatchGrid => PatchGrid.Of(Height, Width, PatchSize);

    /// <summary>The grid of the tokens, which is the patches' unless they are interpolated to another length.</summary>
    /// <exception cref="ArgumentException">A patch size does not divide the image.</exception>
    public PatchGrid TokenGrid => PatchGrid.Of(Height, Width, TokenPatchSize ?? PatchSize);

    /// <summary>Tokens beside the patches, E: the class token; two in a distilled ViT.</summary>
    [JsonIgnore]
    public virtual int ExtraTokens => 1;

    /// <summary>How many of them have a position of their own.</summary>
    [JsonIgnore]
    public virtual int ExtraPositions => ExtraTokens;

    /// <summary>Patches and the tokens beside them: L + E.</summary>
    public int Tokens => TokenGrid.Count + ExtraTokens;

    /// <summary>How the weights are drawn.</summary>
    public WeightInit Init { get; init; }

    /// <summary>Whether another model has the same blocks, whatever images and classes they are for.</summary>
    internal bool HasBlocksOf(BackboneConfig other) =>
        this with
        {
            Height = other.Height,
            Width = other.Width,
            PatchSize = other.PatchSize,
            TokenPatchSize = other.TokenPatchSize,
            Classes = other.Classes,
            DropPath = other.DropPath,
            Init = other.Init,
        } == other;

    /// <summary>Makes the model, in training mode, its weights drawn from the default generator.</summary>
    /// <exception cref="ArgumentException">A patch size does not divide the image, or a width its parts.</exception>
    public Backbone Create() => Init == WeightInit.FanIn ? SmallNet.Initialized(New()) : New();

    private protected abstract Backbone New();

    /// <summary>Parameters, multiply-accumulates and memory, without making the model.</summary>
    /// <exception cref="ArgumentException">A patch size does not divide the image.</exception>
    public abstract CostModel Cost();
}

/// <summary>How a model's weights are drawn.</summary>
public enum WeightInit
{
    /// <summary>As the official code draws them, for long training of wide nets.</summary>
    Official,

    /// <summary>
    /// Scaled with fan-in, positions from sines and cosines: for short training of small nets (<see cref="SmallNet"/>).
    /// </summary>
    FanIn,
}
