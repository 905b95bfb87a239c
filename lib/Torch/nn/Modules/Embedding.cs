using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>A table of vectors: Int64 indices (...) to (..., embedding_dims).</summary>
public sealed class Embedding : nn.Module<Tensor, Tensor>
{
    private static readonly Op Lookup = "aten::embedding";
    private readonly long _paddingIdx;

    /// <summary>The table, (num_embeddings, embedding_dims); starts normal with mean 0 and deviation 1, the padding row at 0.</summary>
    public readonly Parameter weight;

    internal Embedding(long numEmbeddings, long embeddingDims, long? paddingIdx, Device? device, ScalarType? dtype) : base(nameof(Embedding))
    {
        if (paddingIdx is { } row && (row < -numEmbeddings || row >= numEmbeddings))
            throw new ArgumentException($"padding_idx {row} is not a row of a table of {numEmbeddings}; use 0 to {numEmbeddings - 1}, or null for none.", nameof(paddingIdx));
        _paddingIdx = paddingIdx is < 0 ? paddingIdx.Value + numEmbeddings : paddingIdx ?? -1;
        weight = new Parameter(empty([numEmbeddings, embeddingDims], dtype, device));
        nn.init.normal_(weight);
        if (_paddingIdx >= 0)
            using (no_grad())
            using (var padding = weight.select(0, _paddingIdx)) padding.zero_();
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input) => Lookup.Call(weight, input, _paddingIdx);
}
