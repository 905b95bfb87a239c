using System.Diagnostics;
using PatchKit.Data;
using PatchKit.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Metrics;

/// <summary>Scores a model on a whole set.</summary>
public static class Evaluation
{
    private const int Scales = 4;

    /// <summary>
    /// Loss and accuracy of a classifier, in evaluation mode and without gradients; the model's mode is put back
    /// afterwards.
    /// </summary>
    /// <param name="model">images (B, 3, H, W) to scores (B, classes).</param>
    /// <param name="batches">the images with their classes; each batch is disposed when it has been scored.</param>
    /// <param name="device">where the batches are moved to; where the model's parameters are if null.</param>
    /// <param name="autocast">the precision that matrix products may fall to, such as bfloat16; none if null. The loss
    /// is float64 in any case.</param>
    /// <param name="progress">told the number of images after each batch.</param>
    /// <param name="cancellation">ends the evaluation, within a batch where an operator can stop.</param>
    /// <exception cref="ArgumentException">There are no images, or one has a class that the model has no score
    /// for.</exception>
    /// <exception cref="NonFiniteScoresException">A score is no number.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static EvaluationResult Classification(
        nn.Module<Tensor, Tensor> model,
        IEnumerable<Batch> batches,
        Device? device = null,
        ScalarType? autocast = null,
        Action<long>? progress = null,
        CancellationToken cancellation = default
    )
    {
        device ??= model.parameters().FirstOrDefault()?.device ?? CPU;
        var (loss, accuracy, rightBits) = (new MeanLoss(), new TopKAccuracy(1, 5), new long[Scales]);
        bool generated = true;
        var clock = Stopwatch.StartNew();
        Each(
            model,
            batches,
            cancellation,
            batch =>
            {
                var labels = batch.Labels.to(device); // (B)
                var scores = Scores(model, batch.Images.to(device), device, autocast); // (B, classes)
                Check(labels, scores.shape[1]);
                NonFiniteScoresException.Refuse(scores);
                loss.Add(nn.functional.cross_entropy(scores, labels).item<double>(), labels.shape[0]);
                accuracy.Add(scores, labels);
                generated &= batch.Bits is not null && scores.shape[1] == 1 << Scales;
                if (generated)
                    CountBits(scores.argmax(1).cpu(), labels.cpu(), rightBits);
                progress?.Invoke(loss.Count);
            }
        );
        if (loss.Count == 0)
            throw new ArgumentException(
                "no image came to be scored, so there is no loss or accuracy; give at least one batch."
            );
        return new EvaluationResult(
            loss.Count,
            loss.Weighted,
            accuracy.Percent(1) / 100,
            accuracy.Percent(5) / 100,
            clock.Elapsed.TotalSeconds,
            generated ? [.. rightBits.Select(right => (double)right / loss.Count)] : null
        );
    }

    /// <summary>
    /// Scores batch after batch in evaluation mode and without gradients, and disposes each; the model's mode is put
    /// back afterwards.
    /// </summary>
    internal static void Each(
        nn.Module model,
        IEnumerable<Batch> batches,
        CancellationToken cancellation,
        Action<Batch> score
    )
    {
        bool training = model.training;
        model.eval();
        try
        {
            using var stop = Engine.StopOn(cancellation);
            using var recording = no_grad();
            foreach (var batch in batches)
            {
                using (batch)
                using (NewDisposeScope())
                {
                    cancellation.ThrowIfCancellationRequested();
                    score(batch);
                }
            }
        }
        finally
        {
            model.train(training);
        }
    }

    private static Tensor Scores(nn.Module<Tensor, Tensor> model, Tensor images, Device device, ScalarType? autocast)
    {
        using var lower = autocast is { } dtype ? Engine.Autocast(device, dtype) : null;
        return model.call(images).to(ScalarType.Float64);
    }

    // On a GPU a class out of range ends the process.
    private static void Check(Tensor labels, long classes)
    {
        var (least, most) = (labels.min().item<long>(), labels.max().item<long>());
        if (least < 0 || most >= classes)
            throw new ArgumentException(
                $"an image is of class {(least < 0 ? least : most)}, but the model scores {classes} "
                    + $"classes, 0 to {classes - 1}; use the set that it was trained for."
            );
    }

    // The class is its four bits, the shape first.
    private static void CountBits(Tensor guesses, Tensor labels, long[] right)
    {
        foreach (var (guess, label) in guesses.data<long>().Zip(labels.data<long>()))
            for (int bit = 0; bit < Scales; bit++)
                right[bit] += 1 - ((guess ^ label) >> (Scales - 1 - bit) & 1);
    }
}
