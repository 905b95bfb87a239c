using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Training.Tasks;

/// <summary>
/// The training losses of the official code (golden/08_losses). Logits are (B, K); each loss is the mean over the
/// batch.
/// </summary>
public static class Losses
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

    /// <summary>
    /// DeiT's distillation: (1 - alpha) of the class token's loss, alpha of the distillation token's against a teacher.
    /// </summary>
    /// <param name="loss">of the class token, by any of the above.</param>
    /// <param name="distilled">(B, K): the distillation token's logits.</param>
    /// <param name="teacher">(B, K): the teacher's logits.</param>
    /// <param name="kind">what is learnt from the teacher.</param>
    /// <param name="alpha">the teacher's share.</param>
    /// <param name="temperature">softens both distributions; soft distillation only.</param>
    public static Tensor Distillation(
        Tensor loss,
        Tensor distilled,
        Tensor teacher,
        DistillationKind kind,
        double alpha = 0.5,
        double temperature = 1
    )
    {
        if (kind == DistillationKind.None)
            return loss.alias();
        using var scope = NewDisposeScope();
        var constant = teacher.detach();
        Tensor taught;
        if (kind == DistillationKind.Soft)
        {
            var wanted = nn.functional.log_softmax(constant / temperature, 1);
            var given = nn.functional.log_softmax(distilled / temperature, 1);
            taught = (wanted.exp() * (wanted - given)).sum() * (temperature * temperature / distilled.numel());
        }
        else
            taught = nn.functional.cross_entropy(distilled, constant.argmax(1));
        return (loss * (1 - alpha) + taught * alpha).MoveToOuterDisposeScope();
    }
}
