using System.Diagnostics;
using PatchKit.Data;
using PatchKit.Data.Coco;
using PatchKit.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Metrics;

/// <summary>
/// Scores a detector on a whole set, in evaluation mode and without gradients; the model's mode is put back afterwards.
/// </summary>
public static class DetectionEvaluation
{
    /// <summary>The mean losses, and COCO's average precision of boxes and masks.</summary>
    /// <param name="model">the detector.</param>
    /// <param name="losses">the five losses of a batch that is on the device, in the order
    /// of <see cref="DetectionResult"/>; the number is that of the images before it, which seeds what is drawn.</param>
    /// <param name="detect">what is found in each image of such a batch, in its pixels.</param>
    /// <param name="batches">images with their objects; each batch is disposed when it has been scored.</param>
    /// <param name="device">where batches are moved to.</param>
    /// <param name="truth">the set that the batches are of, whose file then says what is to be found; where null, the
    /// batches say it.</param>
    /// <param name="cancellation">ends it, within a batch where an operator can stop.</param>
    /// <exception cref="ArgumentException">There are no images, or they come without objects.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static (EvaluationResult Test, DetectionResult Scores) Score(
        nn.Module model,
        Func<Batch, long, IReadOnlyList<Tensor>> losses,
        Func<Batch, IReadOnlyList<Detections>> detect,
        IEnumerable<Batch> batches,
        Device device,
        CocoDataset? truth = null,
        CancellationToken cancellation = default
    )
    {
        var means = Enumerable.Range(0, 5).Select(_ => new MeanLoss()).ToArray();
        var total = new MeanLoss();
        var precision = new DetectionPrecision(truth);
        var clock = Stopwatch.StartNew();
        Each(
            model,
            batches,
            device,
            cancellation,
            batch =>
            {
                long size = batch.Images.shape[0];
                var parts = losses(batch, total.Count);
                var sum = parts.Aggregate((some, next) => some + next);
                NonFiniteScoresException.Refuse(sum.reshape(1));
                foreach (var (mean, part) in means.Zip(parts))
                    mean.Add(part.item<float>(), size);
                total.Add(sum.item<float>(), size);
                foreach (var (i, found) in detect(batch).Index())
                {
                    if (batch.Sources is null)
                        precision.Add(found, batch.Objects![i]);
                    else
                        precision.Add(found, batch.Sources[i]);
                }
            }
        );
        if (total.Count == 0)
            throw new ArgumentException(
                "no image came to be scored, so there is no loss or precision; give at least one batch."
            );
        var (box, mask, note) = precision.Scores();
        return (
            new EvaluationResult(total.Count, total.Weighted, double.NaN, double.NaN, clock.Elapsed.TotalSeconds),
            new DetectionResult(
                means[0].Weighted,
                means[1].Weighted,
                means[2].Weighted,
                means[3].Weighted,
                means[4].Weighted,
                box,
                mask,
                note
            )
        );
    }

    /// <summary>A mean loss alone.</summary>
    /// <param name="model">the detector.</param>
    /// <param name="loss">the loss of a batch that is on the device: one number.</param>
    /// <param name="batches">images with their objects; each batch is disposed when it has been scored.</param>
    /// <param name="device">where batches are moved to.</param>
    /// <param name="cancellation">ends it, within a batch where an operator can stop.</param>
    /// <exception cref="ArgumentException">There are no images, or they come without objects.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static EvaluationResult Loss(
        nn.Module model,
        Func<Batch, Tensor> loss,
        IEnumerable<Batch> batches,
        Device device,
        CancellationToken cancellation = default
    )
    {
        var mean = new MeanLoss();
        var clock = Stopwatch.StartNew();
        Each(model, batches, device, cancellation, batch => mean.Add(loss(batch).item<float>(), batch.Images.shape[0]));
        if (mean.Count == 0)
            throw new ArgumentException("no image came to be scored, so there is no loss; give at least one batch.");
        return new EvaluationResult(mean.Count, mean.Weighted, double.NaN, double.NaN, clock.Elapsed.TotalSeconds);
    }

    private static void Each(
        nn.Module model,
        IEnumerable<Batch> batches,
        Device device,
        CancellationToken cancellation,
        Action<Batch> score
    ) =>
        Evaluation.Each(
            model,
            batches,
            cancellation,
            batch =>
                score(
                    batch.Objects is not null
                        ? batch.To(device)
                        : throw new ArgumentException(
                            "a detector is scored on objects, but the batch has none; open the set with its "
                                + "objects (Annotations.Objects)."
                        )
                )
        );
}
