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

    /// <inheritdoc/>
    public override CostModel Cost() => new TransformerCost
    {
        Pixels = (long)Height * Width, PatchSize = PatchSize, Tokens = TokenGrid.Count, EmbedDim = EmbedDim, Depth = Depth, Classes = Classes,
        Heads = Heads, MlpDim = MlpDim,
    };

    private protected override Backbone New() => new VisionTransformer(this);
}
