namespace PatchKit.ScalingLaws;

/// <summary>
/// What a plain encoder costs at one image size and patch size: parameters, multiply-accumulates and memory.
/// It knows widths and counts, and no model.
/// </summary>
public abstract record CostModel
{
    /// <summary>Bytes of a float32 number.</summary>
    private protected const long Float = 4;

    /// <summary>Bytes of a bfloat16 number.</summary>
    private const long Half = 2;

    /// <summary>Image height x width.</summary>
    public required long Pixels { get; init; }

    /// <summary>Image channels.</summary>
    public int Channels { get; init; } = 3;

    /// <summary>The patch size p.</summary>
    public required int PatchSize { get; init; }

    /// <summary>
    /// The sequence length L, without the class token: Pixels / p^2 unless the tokens are interpolated to another
    /// length.
    /// </summary>
    public required long Tokens { get; init; }

    /// <summary>The token dimension D.</summary>
    public required int EmbedDim { get; init; }

    /// <summary>The number of blocks.</summary>
    public required int Depth { get; init; }

    /// <summary>The number of classes.</summary>
    public required int Classes { get; init; }

    /// <summary>Learned numbers: embeddings, blocks, last norm and head.</summary>
    public long Parameters =>
        (PatchNumbers + 1) * EmbedDim
        + (Tokens + ExtraPositions + ExtraTokens) * EmbedDim
        + Depth * BlockParameters
        + NormParameters
        + ClassHeads * (EmbedDim + 1L) * Classes;

    /// <summary>
    /// Multiply-accumulates of one image's forward pass (1 is 2 FLOPs; training takes three times as many). Norms,
    /// softmax, activations, gates and biases are not counted.
    /// </summary>
    public abstract long Macs { get; }

    /// <summary>Multiply-accumulates of the patch embedding.</summary>
    public long PatchEmbedMacs => Pixels * Channels * EmbedDim;

    /// <summary>Multiply-accumulates of the head.</summary>
    public long HeadMacs => ClassHeads * EmbedDim * Classes;

    /// <summary>
    /// Bytes that a float32 forward pass of one image keeps for its backward pass, with attention, scan, convolution
    /// and norms fused: what grows with the batch. Parameters, their gradients and the optimizer's state come on top.
    /// </summary>
    public long ActivationBytes => Float * (KeptPatches + Depth * BlockActivations + Stream);

    /// <summary>
    /// The same under bfloat16 autocast: 2 bytes a number, 4 where float32 is kept: the residual stream, which
    /// positions and norms hold in it, the statistics of norms and softmax, and the scan's states.
    /// </summary>
    public long AutocastActivationBytes => Half * (KeptPatches + Depth * (BlockActivations + BlockFloats) + 2 * Stream);

    /// <summary>Bytes of a training step that computes each block again, under bfloat16 autocast.</summary>
    public long CheckpointedAutocastActivationBytes =>
        Half * (KeptPatches + 2 * Depth * Stream + BlockActivations + BlockFloats + BlockGradients);

    /// <summary>
    /// Bytes of a training step that computes each block again in its backward pass: the blocks' inputs, one block's
    /// activations, and the gradients that are on their way through it.
    /// </summary>
    public long CheckpointedActivationBytes =>
        Float * (KeptPatches + Depth * Stream + BlockActivations + BlockGradients);

    /// <summary>Tokens beside the patches.</summary>
    private protected virtual long ExtraTokens => 1;

    /// <summary>Those of them that have a position.</summary>
    private protected virtual long ExtraPositions => ExtraTokens;

    /// <summary>Linear maps to the classes.</summary>
    private protected virtual long ClassHeads => 1;

    /// <summary>Parameters of one block.</summary>
    private protected abstract long BlockParameters { get; }

    /// <summary>Parameters of one norm of the tokens.</summary>
    private protected abstract long NormParameters { get; }

    /// <summary>Numbers that one block keeps, its input among them.</summary>
    private protected abstract long BlockActivations { get; }

    /// <summary>Those of them that autocast leaves in float32.</summary>
    private protected abstract long BlockFloats { get; }

    /// <summary>Numbers of the gradients that one block's backward pass holds at a time.</summary>
    private protected abstract long BlockGradients { get; }

    /// <summary>The residual stream: (L + E) D numbers.</summary>
    private protected long Stream => (Tokens + ExtraTokens) * EmbedDim;

    /// <summary>Numbers of one patch, C p p.</summary>
    private long PatchNumbers => (long)Channels * PatchSize * PatchSize;

    /// <summary>Pixel tokens are a view of the image; larger patches are a copy.</summary>
    private long KeptPatches => PatchSize == 1 ? 0 : Pixels * Channels;
}
