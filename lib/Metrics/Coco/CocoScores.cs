using System.Globalization;
using PatchKit.Data.Coco;

namespace PatchKit.Metrics.Coco;

/// <summary>
/// COCO's twelve numbers, from 0 to 1, means over categories, and over the overlaps .5, .55, ... .95 where none is
/// named. -1 where there is no object to be found, such as a large one.
/// </summary>
public sealed class CocoScores
{
    private static readonly string[] Labels = ["all", "small", "medium", "large"];
    internal static readonly string[] Names =
    [
        "AP",
        "AP50",
        "AP75",
        "APsmall",
        "APmedium",
        "APlarge",
        "AR1",
        "AR10",
        "AR100",
        "ARsmall",
        "ARmedium",
        "ARlarge",
    ];
    private readonly IReadOnlyList<CocoCurve> _curves;
    private readonly Lazy<string?> _difference;

    internal CocoScores(
        IReadOnlyList<CocoCategory> categories,
        IReadOnlyList<CocoCurve> curves,
        Func<CocoScores, string?> difference
    )
    {
        (_curves, _difference) = (curves, new(() => difference(this)));
        Stats =
        [
            Precision(null, 0),
            Precision(0, 0),
            Precision(5, 0),
            Precision(null, 1),
            Precision(null, 2),
            Precision(null, 3),
            Recall(0, 0),
            Recall(1, 0),
            Recall(2, 0),
            Recall(2, 1),
            Recall(2, 2),
            Recall(2, 3),
        ];
        Categories =
        [
            .. categories.Select(
                (category, k) =>
                    new CocoCategoryScores(category, Precision(null, 0, k), Precision(0, 0, k), Recall(2, 0, k))
            ),
        ];
    }

    /// <summary>
    /// A sentence where pycocotools' numbers are others, and why; else null. It scores once more, when it is asked for.
    /// </summary>
    public string? Difference => _difference.Value;

    /// <summary>The twelve, in pycocotools' order.</summary>
    public IReadOnlyList<double> Stats { get; }

    /// <summary>Average precision.</summary>
    public double AP => Stats[0];

    /// <summary>Average precision where an overlap of .5 is enough.</summary>
    public double AP50 => Stats[1];

    /// <summary>Average precision where the overlap must be .75.</summary>
    public double AP75 => Stats[2];

    /// <summary>Average precision of objects of up to 32 x 32 pixels.</summary>
    public double APSmall => Stats[3];

    /// <summary>Average precision of objects of 32 x 32 to 96 x 96 pixels.</summary>
    public double APMedium => Stats[4];

    /// <summary>Average precision of objects from 96 x 96 pixels.</summary>
    public double APLarge => Stats[5];

    /// <summary>Recall of the best detection of each image and category.</summary>
    public double AR1 => Stats[6];

    /// <summary>Recall of the best ten.</summary>
    public double AR10 => Stats[7];

    /// <summary>Recall of the best hundred.</summary>
    public double AR100 => Stats[8];

    /// <summary>Recall of the best hundred among small objects.</summary>
    public double ARSmall => Stats[9];

    /// <summary>Recall of the best hundred among medium objects.</summary>
    public double ARMedium => Stats[10];

    /// <summary>Recall of the best hundred among large objects.</summary>
    public double ARLarge => Stats[11];

    /// <summary>Each category's share, in the order of the categories' ids.</summary>
    public IReadOnlyList<CocoCategoryScores> Categories { get; }

    /// <summary>A category's precision at the recalls 0, .01, ... 1, among objects of all sizes.</summary>
    /// <param name="category">its place in <see cref="Categories"/>.</param>
    /// <param name="iou">.5, .55, ... .95.</param>
    /// <returns>101 numbers; -1 where the category has no object.</returns>
    /// <exception cref="ArgumentException">This overlap is not measured.</exception>
    public double[] PrecisionByRecall(int category, double iou = .5)
    {
        int threshold = Array.FindIndex(CocoMatches.Thresholds, known => Math.Abs(known - iou) < 1e-9);
        if (threshold >= 0)
            return _curves[category].PrecisionOf(0, threshold).ToArray();
        var measured = CocoMatches.Thresholds.Select(known => known.ToString("0.00", CultureInfo.InvariantCulture));
        throw new ArgumentException(
            $"precision at an overlap of {iou} is not measured; use one of {string.Join(", ", measured)}."
        );
    }

    /// <summary>The twelve lines that pycocotools prints.</summary>
    public override string ToString()
    {
        var lines = new List<string>();
        for (int i = 0; i < Stats.Count; i++)
        {
            bool precision = i < 6;
            string area =
                    Labels[
                        i is >= 3 and < 6 ? i - 2
                        : i >= 9 ? i - 8
                        : 0
                    ],
                iou = i switch
                {
                    1 => "0.50",
                    2 => "0.75",
                    _ => "0.50:0.95",
                };
            int most = i switch
            {
                6 => 1,
                7 => 10,
                _ => 100,
            };
            lines.Add(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $" {(precision ? "Average Precision" : "Average Recall"), -18} "
                        + $"{(precision ? "(AP)" : "(AR)")} @[ IoU={iou, -9} | area={area, 6} | "
                        + $"maxDets={most, 3} ] = {Stats[i]:0.000}"
                )
            );
        }
        return string.Join('\n', lines);
    }

    // Means in the order of numpy's: thresholds, then recalls, then categories.
    private double Precision(int? threshold, int range, int? category = null)
    {
        var values = new List<double>();
        foreach (int t in threshold is { } one ? [one] : Enumerable.Range(0, CocoMatches.Thresholds.Length))
            for (int r = 0; r < CocoCurve.Recalls; r++)
                foreach (var curve in Chosen(category))
                    values.Add(curve.PrecisionOf(range, t)[r]);
        return Mean(values);
    }

    private double Recall(int limit, int range, int? category = null)
    {
        var values = new List<double>();
        for (int t = 0; t < CocoMatches.Thresholds.Length; t++)
            foreach (var curve in Chosen(category))
                values.Add(curve.RecallOf(limit, range, t));
        return Mean(values);
    }

    private IReadOnlyList<CocoCurve> Chosen(int? category) => category is { } k ? [_curves[k]] : _curves;

    private static double Mean(List<double> values)
    {
        double[] measured = [.. values.Where(value => value > -1)];
        return measured.Length == 0 ? -1 : PairwiseSum(measured) / measured.Length;
    }

    /// <summary>
    /// numpy's order of additions, for its digits: halves, and eight partial sums in blocks of up to 128.
    /// </summary>
    private static double PairwiseSum(ReadOnlySpan<double> values)
    {
        if (values.Length > 128)
        {
            int half = values.Length / 2;
            half -= half % 8;
            return PairwiseSum(values[..half]) + PairwiseSum(values[half..]);
        }
        if (values.Length < 8)
        {
            double few = 0;
            foreach (double value in values)
                few += value;
            return few;
        }
        Span<double> sums = stackalloc double[8];
        values[..8].CopyTo(sums);
        int whole = values.Length - values.Length % 8;
        for (int i = 8; i < whole; i++)
            sums[i % 8] += values[i];
        double sum = sums[0] + sums[1] + (sums[2] + sums[3]) + (sums[4] + sums[5] + (sums[6] + sums[7]));
        for (int i = whole; i < values.Length; i++)
            sum += values[i];
        return sum;
    }
}
