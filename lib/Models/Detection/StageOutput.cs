using static TorchSharp.torch;

namespace PatchKit.Models.Detection;

/// <summary>What a stage says of R regions.</summary>
/// <param name="Scores">(R, K + 1): logits of the classes, background last.</param>
/// <param name="Deltas">(R, 4).</param>
public sealed record StageOutput(Tensor Scores, Tensor Deltas);
