using System.Diagnostics;
using PatchKit.Data;
using PatchKit.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Metrics;

/// <summary>Scores a segmentation model on a whole set.</summary>
public static class SegmentationEvaluation
{
    private const long Ignored = 255;

    /// <summary>
    /// Loss and mIoU, in evaluation mode and without gradients; the model's mode is put back afterwards. The loss is
    /// the mean cross entropy of the labelled pixels, the test loss of Figure 1(d).
    /// </summary>
    /// <param name="model">the model.</param>
    /// <param name="score">images (B, 3, H, W) to scores (B, K, h, w), such as the model itself or windows of
    /// it.</param>
    /// <param name="batches">images with dense labels, which may be of another resolution: scores are resized to
    /// theirs. Each batch is disposed when it has been scored.</param>
    /// <param name="classes">the names of the K classes.</param>
    /// <param name="device">where the batches are moved to.</param>
    /// <param name="cancellation">ends the evaluation.</param>
    /// <exception cref="ArgumentException">There are no labelled pixels, a batch has no dense labels, or one has a
    /// class that the model has no score for.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static (EvaluationResult Test, SegmentationResult Scores) Score(
        nn.Module model,
        Func<Tensor, Tensor> score,
        IEnumerable<Batch> batches,
        IReadOnlyList<string> classes,
        Device device,
        CancellationToken cancellation = default
    )
    {
        var confusion = new ConfusionMatrix(classes.Count, Ignored);
        var clock = Stopwatch.StartNew();
        double loss = 0;
        long images = 0;
        Evaluation.Each(
            model,
            batches,
            cancellation,
            batch =>
            {
                var labels = (
                    batch.Dense
                    ?? throw new ArgumentException(
                        "the images have no class for each pixel; open the set with dense labels."
                    )
                ).to(device); // (B, H, W)
                var scores = Fitted(score(batch.Images.to(device)).to(ScalarType.Float32), labels); // (B, K, H, W)
                NonFiniteScoresException.Refuse(scores);
                confusion.Add(scores.argmax(1), labels);
                loss += nn
                    .functional.cross_entropy(scores, labels, ignore_index: Ignored, reduction: nn.Reduction.None)
                    .sum(ScalarType.Float64)
                    .item<double>();
                images += labels.shape[0];
            }
        );
        if (confusion.Pixels == 0)
            throw new ArgumentException(
                $"none of the pixels of {images} images is labelled, so there is no loss or mIoU; use "
                    + "images with annotations."
            );
        var result = new SegmentationResult(
            confusion.MIoU,
            confusion.AAcc,
            confusion.MAcc,
            classes,
            confusion.IoU,
            confusion.Accuracy,
            confusion.Pixels
        );
        return (
            new EvaluationResult(images, loss / confusion.Pixels, double.NaN, double.NaN, clock.Elapsed.TotalSeconds),
            result
        );
    }

    /// <summary>Scores (B, K, h, w) at the resolution of labels (B, H, W).</summary>
    private static Tensor Fitted(Tensor scores, Tensor labels) =>
        scores.shape[2] == labels.shape[1] && scores.shape[3] == labels.shape[2]
            ? scores
            : nn.functional.interpolate(
                scores,
                [labels.shape[1], labels.shape[2]],
                mode: InterpolationMode.Bilinear,
                align_corners: false
            );
}
