namespace PatchKit.Metrics.Coco;

/// <summary>
/// Precision and recall of one category: its detections of all images in the order of their scores, each step one more
/// right or wrong; COCOeval.accumulate. -1 stands for a range of areas in which the category has no object.
/// </summary>
internal sealed class CocoCurve
{
    internal const int Recalls = 101;
    private static readonly int[] Limits = [1, 10, CocoMatches.MostDetections];

    // numpy.spacing(1)
    private const double Spacing = 2.220446049250313e-16;

    // numpy.linspace(0, 1, 101)
    private static readonly double[] RecallPoints = [.. Enumerable.Range(0, Recalls - 1).Select(i => i * .01), 1];

    private CocoCurve()
    {
        Array.Fill(Precision, -1);
        Array.Fill(Recall, -1);
    }

    /// <summary>(ranges, thresholds, recalls) at 100 detections per image.</summary>
    internal double[] Precision { get; } = new double[CocoMatches.Ranges * CocoMatches.Thresholds.Length * Recalls];

    /// <summary>(limits, ranges, thresholds) at 1, 10 and 100 detections per image.</summary>
    internal double[] Recall { get; } = new double[Limits.Length * CocoMatches.Ranges * CocoMatches.Thresholds.Length];

    internal Span<double> PrecisionOf(int range, int threshold) =>
        Precision.AsSpan((range * CocoMatches.Thresholds.Length + threshold) * Recalls, Recalls);

    internal ref double RecallOf(int limit, int range, int threshold) =>
        ref Recall[(limit * CocoMatches.Ranges + range) * CocoMatches.Thresholds.Length + threshold];

    internal static CocoCurve Of(CocoMatches matches)
    {
        var curve = new CocoCurve();
        int[] order = [.. Enumerable.Range(0, matches.Scores.Length).OrderByDescending(i => matches.Scores[i])];
        double[] right = new double[order.Length],
            precision = new double[order.Length];
        for (int limit = 0; limit < Limits.Length; limit++)
        {
            int[] counted =
                limit == Limits.Length - 1 ? order : [.. order.Where(i => matches.Ranks[i] < Limits[limit])];
            for (int range = 0; range < CocoMatches.Ranges; range++)
            {
                if (matches.Objects[range] == 0)
                    continue;
                for (int threshold = 0; threshold < CocoMatches.Thresholds.Length; threshold++)
                {
                    Count(matches, counted, range, threshold, right, precision);
                    curve.RecallOf(limit, range, threshold) =
                        counted.Length > 0 ? right[counted.Length - 1] / matches.Objects[range] : 0;
                    if (limit == Limits.Length - 1)
                        Sample(
                            right.AsSpan(0, counted.Length),
                            precision.AsSpan(0, counted.Length),
                            matches.Objects[range],
                            curve.PrecisionOf(range, threshold)
                        );
                }
            }
        }
        return curve;
    }

    // How many are right, and their share, after each detection.
    private static void Count(
        CocoMatches matches,
        int[] order,
        int range,
        int threshold,
        double[] right,
        double[] precision
    )
    {
        ushort[] found = matches.Right[range],
            ignored = matches.Ignored[range];
        double hits = 0,
            misses = 0;
        for (int i = 0; i < order.Length; i++)
        {
            int d = order[i];
            if ((ignored[d] >> threshold & 1) == 0)
            {
                if ((found[d] >> threshold & 1) != 0)
                    hits++;
                else
                    misses++;
            }
            right[i] = hits;
            precision[i] = hits / (misses + hits + Spacing);
        }
    }

    // The best precision at each recall or a higher one; 0 beyond the highest.
    private static void Sample(ReadOnlySpan<double> right, Span<double> precision, int objects, Span<double> sampled)
    {
        for (int i = precision.Length - 1; i > 0; i--)
            precision[i - 1] = Math.Max(precision[i - 1], precision[i]);
        int at = 0;
        for (int r = 0; r < Recalls; r++)
        {
            while (at < right.Length && right[at] / objects < RecallPoints[r])
                at++;
            sampled[r] = at < right.Length ? precision[at] : 0;
        }
    }
}
