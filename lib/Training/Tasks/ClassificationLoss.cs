using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Training.Tasks;

/// <summary>
/// The losses of classification in the official code (golden/08_losses). Logits are (B, K); each loss is the mean over
/// the batch.
/// </summary>
public static class ClassificationLoss
{
    /// <summary>Cross entropy against probabilities, the loss of every stage that mixes images.</summary>
    /// <param name="logits">(B, K).</param>
    /// <param name="target">(B, K), rows that sum to 1.</param>
    public static Tensor SoftTarget(Tensor logits, Tensor target)
    {
        using var scope = NewDisposeScope();
        return (-target * nn.functional.log_softmax(logits, -1)).sum(-1).mean().MoveToOuterDisposeScope();
    }

    /// <summary>(1 - s) of the true class's cross entropy, s of the mean over all classes.</summary>
    /// <param name="logits">(B, K).</param>
    /// <param name="classes">(B), Int64.</param>
    /// <param name="smoothing">s, 0 to 1.</param>
    public static Tensor LabelSmoothing(Tensor logits, Tensor classes, double smoothing) =>
        nn.functional.cross_entropy(logits, classes, label_smoothing: smoothing);

    /// <summary>
    /// Binary cross entropy of each class on its own, the official --bce-loss: every class with any share of the target
    /// counts as present. With label smoothing every class has a share, so that the official code teaches all classes
    /// for every image; use smoothing 0.
    /// </summary>
    /// <param name="logits">(B, K).</param>
    /// <param name="target">(B, K), probabilities.</param>
    public static Tensor Binary(Tensor logits, Tensor target)
    {
        using var scope = NewDisposeScope();
        return nn
            .functional.binary_cross_entropy_with_logits(logits, target.gt(0).to_type(logits.dtype))
            .MoveToOuterDisposeScope();
    }
}
