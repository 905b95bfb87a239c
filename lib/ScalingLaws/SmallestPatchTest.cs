namespace PatchKit.ScalingLaws;

/// <summary>The smallest patch's loss, predicted from the larger patches and then looked up.</summary>
/// <param name="Fit">the law of the larger patches.</param>
/// <param name="Prediction">what it says about the smallest.</param>
/// <param name="Measured">the loss measured there; the mean of several seeds.</param>
/// <param name="Before">the mean loss at the patch size before it, the smallest of those that were fitted.</param>
/// <param name="Largest">the mean loss at the largest patch.</param>
public sealed record SmallestPatchTest(
    PowerLawFit Fit,
    Prediction Prediction,
    double Measured,
    double Before,
    double Largest
)
{
    /// <summary>Predicted less measured: above 0 where the law of the larger patches promises too little.</summary>
    public double Miss => Prediction.Loss - Measured;

    /// <summary>Whether the measured loss lies in the prediction's interval.</summary>
    public bool Covered => Prediction.Interval.Contains(Measured);

    /// <summary>Whether the interval is narrower than the curve is high; a wider one holds anything.</summary>
    public bool Says => Prediction.Interval.Width < Largest - Measured;

    /// <summary>
    /// Whether the interval lies wholly below the loss of the patch before, so that the law foretells that the loss
    /// falls on.
    /// </summary>
    public bool ForetellsAFall => Prediction.Interval.High < Before;

    /// <summary>
    /// Leaves out the smallest patch, fits the others and predicts it: the interval is where the mean of as many seeds
    /// falls as the smallest patch has, with 95% confidence.
    /// </summary>
    /// <param name="points">losses at four patch sizes or more.</param>
    /// <param name="form">the law to fit.</param>
    /// <exception cref="ArgumentException">There are too few points or patch sizes, or a loss is not above
    /// 0.</exception>
    public static SmallestPatchTest Of(
        IReadOnlyCollection<LossPoint> points,
        PowerLawForm form = PowerLawForm.WithFloor
    )
    {
        if (points.Select(point => point.PatchSize).Distinct().Count() < 4)
            throw new ArgumentException(
                $"predicting the smallest patch needs losses at 4 patch sizes or more; {points.Count} "
                    + "points at fewer were given. Measure another patch size."
            );
        double smallest = points.Min(point => point.PatchSize);
        var fit = PowerLawFit.To([.. points.Where(point => point.PatchSize > smallest)], form);
        var left = points.Where(point => point.PatchSize == smallest).ToList();
        double next = fit.Points.Min(point => point.PatchSize),
            largest = fit.Points.Max(point => point.PatchSize);
        return new SmallestPatchTest(
            fit,
            fit.Predict(smallest, Math.Sqrt(left.Sum(point => point.Error * point.Error)) / left.Count),
            Mean(smallest),
            Mean(next),
            Mean(largest)
        );

        double Mean(double size) => points.Where(point => point.PatchSize == size).Average(point => point.Loss);
    }
}
