using PatchKit.Data;
using PatchKit.Data.Segmentation;
using PatchKit.Models.Segmentation;
using PatchKit.Torch.Distributed;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Training.Tasks;

/// <summary>
/// Cross entropy of each labelled pixel, the mean over the batch's; with an auxiliary head, a share of its own loss
/// besides.
/// </summary>
/// <param name="model">the model.</param>
/// <param name="group">the processes that have a share of each batch; null for this one alone. The mean is over the
/// pixels of all shares, whatever part of them is labelled in each.</param>
public sealed class SegmentationObjective(Segmenter model, ProcessGroup? group = null) : IObjective
{
    private const double AuxiliaryShare = .4; // as is usual with UperNet

    // Labelled pixels of all shares: asked for once in a step, however often a rank tries it.
    private (long Step, long Labelled) _counted = (-1, 0);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The batch has no dense labels.</exception>
    public IEnumerable<Tensor> Losses(Batch batch, long step, int parts)
    {
        var labels =
            batch.Dense
            ?? throw new ArgumentException(
                "the batch has no class for each pixel; open the set with dense " + "labels."
            ); // (B, H, W)
        if (group is null || _counted.Step != step)
        {
            var count = labels.ne(LabelMap.Ignored).sum();
            group?.AllReduce(count);
            _counted = (step, count.item<long>());
        }
        return InParts(batch.Images, labels, Math.Max(1, _counted.Labelled) / (double)(group?.Size ?? 1), parts);
    }

    /// <inheritdoc/>
    public string? FirstNonFinite(Batch batch) => model.FirstNonFinite(batch.Images);

    // The parts' mean, over all ranks, is the batch's, whatever share of the labelled pixels a part has.
    private IEnumerable<Tensor> InParts(Tensor images, Tensor labels, double labelled, int parts)
    {
        long size = images.shape[0] / parts;
        for (int part = 0; part < parts; part++)
        {
            var (scores, auxiliary) = model.Scores(images.narrow(0, part * size, size)); // (B / parts, K, H, W)
            var wanted = labels.narrow(0, part * size, size);
            var loss = Sum(scores, wanted);
            if (auxiliary is not null)
                loss += AuxiliaryShare * Sum(auxiliary, wanted);
            yield return loss * (parts / labelled);
        }
    }

    private static Tensor Sum(Tensor scores, Tensor labels) =>
        nn.functional.cross_entropy(
            scores.to(ScalarType.Float32),
            labels,
            ignore_index: LabelMap.Ignored,
            reduction: nn.Reduction.Sum
        );
}
