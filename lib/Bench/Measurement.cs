namespace PatchKit.Bench;

/// <summary>One subject measured beside one peer: times in interleaved pairs, or memory once.</summary>
/// <param name="Subject">What was measured.</param>
/// <param name="Peer">What it was measured against, in the same run.</param>
/// <param name="Unit">"ns", "ms" or "MiB".</param>
/// <param name="Ours">The subject's figures.</param>
/// <param name="Theirs">The peer's, pair by pair.</param>
/// <param name="Limit">The ratio that is promised, or null.</param>
internal sealed record Measurement(
    string Subject,
    string Peer,
    string Unit,
    double[] Ours,
    double[] Theirs,
    double? Limit = null
)
{
    /// <summary>Ours over theirs, pair by pair.</summary>
    internal double[] Ratios => [.. Ours.Zip(Theirs, (a, b) => a / b)];

    /// <summary>The middle value.</summary>
    internal static double Median(double[] values)
    {
        var sorted = values.Order().ToArray();
        int half = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }

    /// <summary>Measures two bodies in turn, A B A B, after one uncounted round of each.</summary>
    internal static Measurement Pairs(
        string subject,
        string peer,
        string unit,
        int pairs,
        Func<double> ours,
        Func<double> theirs,
        double? limit = null
    )
    {
        ours();
        theirs();
        double[] a = new double[pairs],
            b = new double[pairs];
        for (int i = 0; i < pairs; i++)
            (a[i], b[i]) = (ours(), theirs());
        return new Measurement(subject, peer, unit, a, b, limit);
    }

    /// <summary>Two figures that need no repetition.</summary>
    internal static Measurement Once(
        string subject,
        string peer,
        string unit,
        double ours,
        double theirs,
        double? limit = null
    ) => new(subject, peer, unit, [ours], [theirs], limit);

    /// <summary>Throws unless ours and the peer's agree, without which their times would say nothing.</summary>
    /// <exception cref="InvalidOperationException">They differ by more than the tolerance.</exception>
    internal static void MustBeNear(string what, double ours, double theirs, double tolerance)
    {
        if (!(Math.Abs(ours - theirs) <= tolerance))
            throw new InvalidOperationException(
                $"{what} is {ours:G7} here and {theirs:G7} in Python, where they may differ "
                    + $"by {tolerance:E0}; their times would say nothing."
            );
    }
}
