namespace PatchKit.ScalingLaws;

/// <summary>The cost of an Adventurer: its Mamba-2 mixer grows in proportion to the sequence.</summary>
public sealed record MambaCost : CostModel
{
    /// <summary>The chunk length of the fused scan.</summary>
    private const int ScanChunk = 64;

    /// <summary>The mixer's width.</summary>
    public required int InnerDim { get; init; }

    /// <summary>The dimension of a head of the scan.</summary>
    public required int HeadDim { get; init; }

    /// <summary>The dimension of the scan's state, n.</summary>
    public required int StateDim { get; init; }

    /// <summary>Groups of heads that share B and C.</summary>
    public int Groups { get; init; } = 1;

    /// <summary>The width of the causal convolution.</summary>
    public int ConvWidth { get; init; } = 4;

    /// <summary>The width of the SwiGLU's hidden layer.</summary>
    public required int MlpDim { get; init; }

    /// <summary>The mixer's sequence: the mean token, the patches, the class token.</summary>
    private long MixerLength => Tokens + 2;

    private long Heads => InnerDim / HeadDim;

    private long ConvDim => InnerDim + 2L * Groups * StateDim;

    /// <summary>The width of the input projection: gate, what is convolved, step sizes.</summary>
    private long ProjectedDim => InnerDim + ConvDim + Heads;

    /// <summary>Multiply-accumulates of the mixers' input projections.</summary>
    public long InProjectionMacs => Depth * MixerLength * EmbedDim * ProjectedDim;

    /// <summary>Multiply-accumulates of the mixers' output projections.</summary>
    public long OutProjectionMacs => Depth * MixerLength * InnerDim * EmbedDim;

    /// <summary>Multiply-accumulates of the SwiGLUs.</summary>
    public long MlpMacs => Depth * (Tokens + 1) * 3 * EmbedDim * MlpDim;

    /// <summary>Multiply-accumulates of the causal convolutions.</summary>
    public long ConvolutionMacs => Depth * MixerLength * ConvWidth * ConvDim;

    /// <summary>
    /// Multiply-accumulates of the scans, step by step: decay, write and read, one for each element of the state.
    /// </summary>
    public long RecurrentScanMacs => Depth * MixerLength * 3 * InnerDim * StateDim;

    /// <summary>
    /// Multiply-accumulates of the scans in chunks; that half of a chunk's products is masked is not made use of.
    /// </summary>
    public long ChunkedScanMacs(int chunkSize = 256)
    {
        long perToken = Math.Min(chunkSize, MixerLength) * (StateDim + InnerDim) + 2L * StateDim * InnerDim;
        return Depth * MixerLength * perToken;
    }

    /// <summary>With the scan step by step, the least it takes.</summary>
    public override long Macs => MacsWithoutScan + RecurrentScanMacs;

    /// <summary>With the scan in chunks, as GPUs run it.</summary>
    public long ChunkedMacs(int chunkSize = 256) => MacsWithoutScan + ChunkedScanMacs(chunkSize);

    private long MacsWithoutScan =>
        PatchEmbedMacs + InProjectionMacs + OutProjectionMacs + MlpMacs + ConvolutionMacs + HeadMacs;

    private protected override long NormParameters => EmbedDim;

    // projections, convolution, gated norm, three numbers for each head; SwiGLU with biases; two norms
    private protected override long BlockParameters =>
        EmbedDim * (ProjectedDim + InnerDim)
        + ConvDim * (ConvWidth + 1)
        + InnerDim
        + 3 * Heads
        + (3L * EmbedDim + 2) * MlpDim
        + EmbedDim
        + 2 * NormParameters;

    // block input; mixer: its input, the projection, the convolution's output, the chunks' states, the scan's output,
    // the gated norm; middle of the block, its norm; SwiGLU: both branches, the activation, the product; the norms'
    // deviations
    private protected override long BlockActivations
    {
        get
        {
            long mixer = MixerLength * (EmbedDim + ProjectedDim + ConvDim + 2L * InnerDim + 1) + States;
            long mlp = (Tokens + 1) * (4L * MlpDim + 2);
            return 3 * Stream + mixer + mlp;
        }
    }

    // the chunks' states
    private long States => (MixerLength + ScanChunk - 1) / ScanChunk * InnerDim * StateDim;

    // block input and middle, which the norms read, the states, and the norms' deviations
    private protected override long BlockFloats => 2 * Stream + States + MixerLength + 2 * (Tokens + 1);

    // the residual's, twice, and the SwiGLU's branches'
    private protected override long BlockGradients => 2 * Stream + 2 * (Tokens + 1) * MlpDim;
}
