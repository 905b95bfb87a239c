using System.Diagnostics;
using PatchKit.Data;
using PatchKit.Data.Coco;
using PatchKit.Metrics;
using PatchKit.Models.Detection;
using PatchKit.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Training.Tasks;

/// <summary>
/// Scores a detector on a whole set, in evaluation mode and without gradients; the model's mode is put back afterwards.
/// </summary>
public static class DetectionEvaluation
{
    /// <summary>
    /// The mean losses, with anchors and regions drawn by (seed, first image of the batch), and COCO's average
    /// precision of boxes and masks.
    /// </summary>
    /// <param name="detector">the detector.</param>
    /// <param name="batches">images with their objects; each batch is disposed when it has been scored.</param>
    /// <param name="seed">of what is drawn.</param>
    /// <param name="device">where batches are moved to.</param>
    /// <param name="cancellation">ends it, within a batch where an operator can stop.</param>
    /// <param name="truth">the set that the batches are of, whose file then says what is to be found; where null, the
    /// batches say it.</param>
    /// <exception cref="ArgumentException">There are no images, or they come without objects.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static (EvaluationResult Test, DetectionResult Scores) Objects(
        CascadeMaskRcnn detector,
        IEnumerable<Batch> batches,
        long seed,
        Device device,
        CancellationToken cancellation = default,
        CocoDataset? truth = null
    )
    {
        var parts = Enumerable.Range(0, 5).Select(_ => new MeanLoss()).ToArray();
        var total = new MeanLoss();
        var precision = new DetectionPrecision(truth);
        var clock = Stopwatch.StartNew();
        Each(
            detector,
            batches,
            device,
            cancellation,
            batch =>
            {
                long size = batch.Images.shape[0];
                var sizes = DetectionObjective.Sizes(batch);
                var losses = detector.Losses(batch.Images, batch.Objects!, new DetectionDraw(seed, total.Count), sizes);
                NonFiniteScoresException.Refuse(losses.Total.reshape(1));
                foreach (var (mean, part) in parts.Zip(losses.Parts))
                    mean.Add(part.item<float>(), size);
                total.Add(losses.Total.item<float>(), size);
                foreach (var (i, found) in detector.Detect(batch.Images, sizes).Index())
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
                parts[0].Weighted,
                parts[1].Weighted,
                parts[2].Weighted,
                parts[3].Weighted,
                parts[4].Weighted,
                box,
                mask,
                note
            )
        );
    }

    /// <summary>The mean loss of the pixels.</summary>
    /// <inheritdoc cref="Objects"/>
    public static EvaluationResult Pixels(
        CascadeMaskRcnn detector,
        IEnumerable<Batch> batches,
        Device device,
        CancellationToken cancellation = default
    )
    {
        var loss = new MeanLoss();
        var clock = Stopwatch.StartNew();
        Each(
            detector,
            batches,
            device,
            cancellation,
            batch => loss.Add(detector.PixelLoss(batch.Images, batch.Objects!).item<float>(), batch.Images.shape[0])
        );
        if (loss.Count == 0)
            throw new ArgumentException("no image came to be scored, so there is no loss; give at least one batch.");
        return new EvaluationResult(loss.Count, loss.Weighted, double.NaN, double.NaN, clock.Elapsed.TotalSeconds);
    }

    private static void Each(
        CascadeMaskRcnn detector,
        IEnumerable<Batch> batches,
        Device device,
        CancellationToken cancellation,
        Action<Batch> score
    ) =>
        Evaluation.Each(
            detector,
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
