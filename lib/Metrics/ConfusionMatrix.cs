using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Metrics;

/// <summary>
/// Which class pixels have and which they were given, summed over a whole set: what mIoU, aAcc and mAcc are computed
/// from (golden/11_segmetric, mmsegmentation's IoUMetric). A class that is neither in the labels nor predicted has no
/// IoU, and one that is not in the labels no accuracy: means are over the others.
/// </summary>
public sealed class ConfusionMatrix
{
    private readonly long[,] _counts;
    private readonly long _ignore;

    /// <summary>An empty matrix.</summary>
    /// <param name="classes">how many classes, K.</param>
    /// <param name="ignore">the label whose pixels do not count.</param>
    /// <exception cref="ArgumentException">There is no class.</exception>
    public ConfusionMatrix(int classes, long ignore = 255)
    {
        if (classes < 1)
            throw new ArgumentException($"a confusion matrix of {classes} classes counts nothing; use 1 or more.");
        (Classes, _ignore, _counts) = (classes, ignore, new long[classes, classes]);
    }

    /// <summary>How many classes.</summary>
    public int Classes { get; }

    /// <summary>Pixels of class <paramref name="label"/> that were given class <paramref name="guess"/>.</summary>
    public long this[int label, int guess] => _counts[label, guess];

    /// <summary>Pixels that counted.</summary>
    public long Pixels => _counts.Cast<long>().Sum();

    /// <summary>The share of pixels that were given their class; NaN before the first.</summary>
    public double AAcc => (double)Each(Hits).Sum() / Pixels;

    /// <summary>The mean over classes of <see cref="IoU"/>.</summary>
    public double MIoU => Mean(IoU);

    /// <summary>The mean over classes of <see cref="Accuracy"/>.</summary>
    public double MAcc => Mean(Accuracy);

    /// <summary>
    /// Intersection over union of each class; NaN for one that is neither in the labels nor predicted.
    /// </summary>
    public IReadOnlyList<double> IoU => [.. Each(k => (double)Hits(k) / (Labelled(k) + Guessed(k) - Hits(k)))];

    /// <summary>The share of each class's pixels that were given it; NaN for one that is not in the labels.</summary>
    public IReadOnlyList<double> Accuracy => [.. Each(k => (double)Hits(k) / Labelled(k))];

    /// <summary>Counts pixels.</summary>
    /// <param name="guesses">int64 of any shape: the class that each pixel was given.</param>
    /// <param name="labels">int64 of the same shape: its class, or the ignored label.</param>
    /// <exception cref="ArgumentException">The shapes differ, or a class is out of range.</exception>
    public void Add(Tensor guesses, Tensor labels)
    {
        if (!guesses.shape.SequenceEqual(labels.shape))
            throw new ArgumentException(
                $"guesses of shape [{string.Join(", ", guesses.shape)}] and labels of shape "
                    + $"[{string.Join(", ", labels.shape)}] are not of the same pixels; resize the scores to "
                    + "the labels first."
            );
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        var counted = labels.ne(_ignore);
        var (wanted, given) = (labels.masked_select(counted), guesses.masked_select(counted)); // (N), (N)
        if (wanted.numel() == 0)
            return;
        foreach (var (values, what) in new[] { (wanted, "labelled"), (given, "predicted") })
        {
            long low = values.min().item<long>(),
                high = values.max().item<long>();
            if (low < 0 || high >= Classes)
                throw new ArgumentException(
                    $"a pixel is {what} {(low < 0 ? low : high)}, but there are {Classes} classes, 0 "
                        + $"to {Classes - 1}, and {_ignore} for ignored; use the set that the model was trained for."
                );
        }
        var pairs = (wanted * Classes + given).bincount(null, minlength: (long)Classes * Classes).cpu().data<long>();
        int at = 0;
        foreach (long count in pairs)
        {
            _counts[at / Classes, at % Classes] += count;
            at++;
        }
    }

    /// <summary>ADE20K's reduce_zero_label: label 0 becomes 255, 255 stays, others are one less.</summary>
    /// <param name="labels">int64.</param>
    public static Tensor ReduceZeroLabel(Tensor labels)
    {
        using var scope = NewDisposeScope();
        return where(labels.eq(0).logical_or(labels.eq(255)), full_like(labels, 255), labels - 1)
            .MoveToOuterDisposeScope();
    }

    private long Hits(int k) => _counts[k, k];

    private long Labelled(int k) => Each(guess => _counts[k, guess]).Sum();

    private long Guessed(int k) => Each(label => _counts[label, k]).Sum();

    private IEnumerable<T> Each<T>(Func<int, T> value) => Enumerable.Range(0, Classes).Select(value);

    private static double Mean(IReadOnlyList<double> values) =>
        values.Where(value => !double.IsNaN(value)).DefaultIfEmpty(double.NaN).Average();
}
