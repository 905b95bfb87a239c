using PatchKit.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Metrics;

/// <summary>The share of images whose class is among the k best scores, counted over batches of any sizes.</summary>
public sealed class TopKAccuracy
{
    private readonly int[] _ks;
    private readonly long[] _correct;

    /// <summary>Counts for each k.</summary>
    /// <param name="ks">such as 1 and 5, which are meant where none are given; one beyond the number of classes counts
    /// all images.</param>
    /// <exception cref="ArgumentException">A k is below 1.</exception>
    public TopKAccuracy(params int[] ks)
    {
        _ks = ks.Length > 0 ? ks : [1, 5];
        if (_ks.Min() < 1)
            throw new ArgumentException($"top-{_ks.Min()} accuracy means nothing; use k of 1 or more.");
        _correct = new long[_ks.Length];
    }

    /// <summary>The images counted so far.</summary>
    public long Count { get; private set; }

    /// <summary>Counts a batch.</summary>
    /// <param name="scores">(B, K), logits or probabilities.</param>
    /// <param name="classes">(B), Int64.</param>
    /// <exception cref="ArgumentException">The shapes do not fit each other.</exception>
    /// <exception cref="NonFiniteScoresException">A score is no number.</exception>
    public void Add(Tensor scores, Tensor classes)
    {
        if (scores.ndim != 2 || classes.ndim != 1 || scores.shape[0] != classes.shape[0])
            throw new ArgumentException(
                $"scores of shape [{string.Join(", ", scores.shape)}] and classes of shape "
                    + $"[{string.Join(", ", classes.shape)}] do not go together; use [B, K] and [B]."
            );
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        NonFiniteScoresException.Refuse(scores);
        int most = (int)Math.Min(_ks.Max(), scores.shape[1]);
        var (_, best) = scores.topk(most, 1); // (B, most)
        var hits = best.eq(classes.unsqueeze(1)).to_type(ScalarType.Int64); // (B, most)
        for (int i = 0; i < _ks.Length; i++)
            _correct[i] += hits.narrow(1, 0, Math.Min(_ks[i], most)).sum().item<long>();
        Count += scores.shape[0];
    }

    /// <summary>The accuracy in percent; NaN before the first batch.</summary>
    /// <exception cref="ArgumentException">This k is not counted.</exception>
    public double Percent(int k = 1) =>
        Array.IndexOf(_ks, k) is >= 0 and var i
            ? 100.0 * _correct[i] / Count
            : throw new ArgumentException(
                $"top-{k} is not counted here, only top-{string.Join(", top-", _ks)}; name it when making the counter."
            );
}
