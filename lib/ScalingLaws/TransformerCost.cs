namespace PatchKit.ScalingLaws;

/// <summary>The cost of a Vision Transformer: its attention grows with the square of the sequence.</summary>
public sealed record TransformerCost : CostModel
{
    /// <summary>The number of attention heads.</summary>
    public required int Heads { get; init; }

    /// <summary>The width of the MLP's hidden layer.</summary>
    public required int MlpDim { get; init; }

    /// <summary>Whether it has a second token and head, for distillation.</summary>
    public bool Distilled { get; init; }

    /// <summary>Whether the patches alone have positions.</summary>
    public bool NoEmbedClass { get; init; }

    /// <summary>Whether each residual branch has a factor for each channel.</summary>
    public bool LayerScale { get; init; }

    /// <summary>The sequence with its class token.</summary>
    private long Length => Tokens + ExtraTokens;

    private protected override long ExtraTokens => Distilled ? 2 : 1;

    private protected override long ExtraPositions => NoEmbedClass ? 0 : ExtraTokens;

    private protected override long ClassHeads => Distilled ? 2 : 1;

    /// <summary>Multiply-accumulates of the blocks' linear layers: query, key, value and output, and the MLP.</summary>
    public long LinearMacs => Depth * Length * EmbedDim * (4L * EmbedDim + 2L * MlpDim);

    /// <summary>Multiply-accumulates of q k^T and of the weighted sum of values.</summary>
    public long AttentionMacs => Depth * 2 * Length * Length * EmbedDim;

    /// <inheritdoc/>
    public override long Macs => PatchEmbedMacs + LinearMacs + AttentionMacs + HeadMacs;

    private protected override long NormParameters => 2L * EmbedDim;

    // qkv and output projection, MLP, two norms, two factors
    private protected override long BlockParameters =>
        4L * EmbedDim * (EmbedDim + 1)
        + (2L * EmbedDim + 1) * MlpDim
        + EmbedDim
        + 2 * NormParameters
        + (LayerScale ? 2L * EmbedDim : 0);

    // block input, its norm, q, k and v, attention output, middle of the block, its norm; MLP before and after its
    // activation; mean and deviation of two norms, and the softmax's normaliser
    private protected override long BlockActivations => 8 * Stream + 2 * Length * MlpDim + Length * (4 + Heads);

    // block input and middle, which the norms read, and the statistics
    private protected override long BlockFloats => 2 * Stream + Length * (4 + Heads);

    // the residual's, twice, and the hidden layer's
    private protected override long BlockGradients => 2 * Stream + Length * MlpDim;
}
