namespace PatchKit.ScalingLaws;

/// <summary>
/// How many operations a second a GPU does in training, by the length of the sequence: what was timed, and in between a
/// line on logarithmic axes; beyond the ends, the ends' own.
/// </summary>
/// <param name="Source">what it rests on.</param>
/// <param name="Points">tokens of an image and FLOP/s, the shortest sequence first.</param>
public sealed record ThroughputCurve(string Source, IReadOnlyList<(long Tokens, double Flops)> Points)
{
    /// <summary>
    /// Floating-point operations of training for each multiply-accumulate of the forward pass: two, in the forward pass
    /// and twice in the backward pass.
    /// </summary>
    public const double FlopsPerMac = 6;

    /// <summary>The curve that published times mean.</summary>
    /// <param name="source">what they are.</param>
    /// <param name="images">of the times.</param>
    /// <param name="times">the model, and the hours that the images took.</param>
    public static ThroughputCurve OfHours(
        string source,
        double images,
        IEnumerable<(CostModel Model, double Hours)> times
    ) =>
        new(
            source,
            [
                .. times
                    .Select(time => (time.Model.Tokens, FlopsPerMac * time.Model.Macs * images / (time.Hours * 3600)))
                    .OrderBy(point => point.Tokens),
            ]
        );

    /// <summary>The curve of a GPU of another peak, at the same share of it.</summary>
    /// <param name="factor">its peak over this one's.</param>
    public ThroughputCurve Scaled(double factor) =>
        this with
        {
            Points = [.. Points.Select(point => (point.Tokens, point.Flops * factor))],
        };

    /// <summary>FLOP/s at a length of the sequence.</summary>
    public double At(long tokens)
    {
        if (tokens <= Points[0].Tokens)
            return Points[0].Flops;
        for (int i = 1; i < Points.Count; i++)
        {
            var (from, to) = (Points[i - 1], Points[i]);
            if (tokens > to.Tokens)
                continue;
            double part = Math.Log((double)tokens / from.Tokens) / Math.Log((double)to.Tokens / from.Tokens);
            return from.Flops * Math.Pow(to.Flops / from.Flops, part);
        }
        return Points[^1].Flops;
    }

    /// <summary>Hours of a training.</summary>
    /// <param name="macs">multiply-accumulates of one image's forward pass.</param>
    /// <param name="images">images of all steps.</param>
    /// <param name="tokens">of an image.</param>
    public double Hours(double macs, double images, long tokens) => FlopsPerMac * macs * images / At(tokens) / 3600;
}
