using System.Collections.Concurrent;
using PatchKit.Data.Images;

namespace PatchKit.Data.Sets;

/// <summary>The samples that could not be read, and what is done about them. Any thread may report.</summary>
/// <param name="policy">stop at the first one, or leave them out.</param>
public sealed class BadSamples(BadSample policy = BadSample.Stop)
{
    private readonly ConcurrentDictionary<string, string> _reasons = new(StringComparer.Ordinal);

    /// <summary>What happens at a bad sample.</summary>
    public BadSample Policy { get; } = policy;

    /// <summary>How many files were left out; a file counts once however often it was met.</summary>
    public int Count => _reasons.Count;

    /// <summary>Raised once for each file that is left out, on the thread that met it.</summary>
    public event Action<ImageException>? Skipped;

    /// <summary>Each file left out and why, ordered by name.</summary>
    public IReadOnlyList<(string Path, string Reason)> Reasons =>
        [.. _reasons.OrderBy(found => found.Key, StringComparer.Ordinal).Select(found => (found.Key, found.Value))];

    /// <summary>Notes a bad sample.</summary>
    /// <exception cref="ImageException">The policy is to stop.</exception>
    public void Report(ImageException failure)
    {
        if (Policy == BadSample.Stop)
            throw new ImageException(
                failure.Path,
                $"{failure.Sentence} Use --on-bad-sample skip to leave such files out.",
                failure
            );
        if (_reasons.TryAdd(failure.Path, failure.Sentence))
            Skipped?.Invoke(failure);
    }

    /// <summary>"3 files were left out: a.jpg is truncated ..., b.png ..., and 1 more.", or an empty text.</summary>
    public override string ToString()
    {
        var reasons = Reasons;
        if (reasons.Count == 0)
            return "";
        string more = reasons.Count > 2 ? $" And {reasons.Count - 2} more." : "";
        return $"{reasons.Count} {(reasons.Count == 1 ? "file was" : "files were")} left "
            + $"out: {string.Join(" ", reasons.Take(2).Select(bad => $"{bad.Path} {bad.Reason}"))}{more}";
    }
}
