using static TorchSharp.torch;

namespace PatchKit.Models.Detection;

/// <summary>What the proposal network says of every anchor of a batch, level after level.</summary>
/// <param name="Scores">(B, M): logits of showing an object.</param>
/// <param name="Deltas">(B, M, 4).</param>
/// <param name="Anchors">(M, 4), the same for each image.</param>
/// <param name="Counts">the anchors of each level; their sum is M.</param>
public sealed record ProposalMaps(Tensor Scores, Tensor Deltas, Tensor Anchors, IReadOnlyList<long> Counts);
