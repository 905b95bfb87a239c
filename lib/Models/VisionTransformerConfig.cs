using System.Text.Json.Serialization;
using PatchKit.ScalingLaws;

namespace PatchKit.Models;

/// <summary>A ViT as DeiT has it (Touvron et al. 2021; timm 0.4.12). Defaults are DeiT-Base's (Table 7).</summary>
public sealed record VisionTransformerConfig : BackboneConfig
{
    /// <summary>The number of attention heads, which divides the token dimension.</summary>
    public int Heads { get; init; } = 12;

    /// <summary>The width of the MLP's hidden layer over the token dimension.</summary>
    public double MlpRatio { get; init; } = 4;

    /// <summary>The width of the MLP's hidden layer.</summary>
    public int MlpDim => (int)(EmbedDim * MlpRatio);

    /// <summary>
    /// Whether a distillation token stands behind the class token, with a head of its own (section 4 of DeiT): the
    /// scores are the mean of both heads', as DeiT evaluates them.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Distilled { get; init; }

    /// <summary>
    /// Whether the class token has no position, as in DeiT-III: positions are added to the patches, then the token is
    /// set before them.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool NoEmbedClass { get; init; }

    /// <summary>
    /// What LayerScale's factors on the residual branches begin at (Touvron et al. 2021b; DeiT-III: 1e-4); 0 for none.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double LayerScale { get; init; }

    /// <inheritdoc/>
    [JsonIgnore]
    public override int ExtraTokens => Distilled ? 2 : 1;

    /// <inheritdoc/>
    [JsonIgnore]
    public override int ExtraPositions => NoEmbedClass ? 0 : ExtraTokens;

    /// <inheritdoc/>
    public override CostModel Cost() =>
        new TransformerCost
        {
            Pixels = (long)Height * Width,
            PatchSize = PatchSize,
            Tokens = TokenGrid.Count,
            EmbedDim = EmbedDim,
            Depth = Depth,
            Classes = Classes,
            Heads = Heads,
            MlpDim = MlpDim,
            Distilled = Distilled,
            NoEmbedClass = NoEmbedClass,
            LayerScale = LayerScale > 0,
        };

    private protected override Backbone New() => new VisionTransformer(this);
}
