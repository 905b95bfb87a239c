namespace PatchKit.Training.Recipes;

/// <summary>
/// Linear warm-up, then half a cosine, or a straight line, down to a floor. Equal to golden/06_lr_schedules in
/// <see cref="ScheduleStyle.Official"/>.
/// </summary>
public sealed record LearningRateSchedule
{
    /// <summary>The rate that warm-up climbs to, already scaled by the batch.</summary>
    public required double Peak { get; init; }

    /// <summary>The length of training, in epochs.</summary>
    public required double Epochs { get; init; }

    /// <summary>The length of warm-up, in epochs; 0 for none.</summary>
    public double WarmupEpochs { get; init; } = 5;

    /// <summary>The rate that warm-up starts from.</summary>
    public double Start { get; init; } = 1e-6;

    /// <summary>The rate that the cosine ends at.</summary>
    public double Floor { get; init; } = 1e-5;

    /// <summary>How the rate follows the clock.</summary>
    public ScheduleStyle Style { get; init; } = ScheduleStyle.Official;

    /// <summary>The rate that a step trains at.</summary>
    /// <param name="epoch">counted from 0.</param>
    /// <param name="step">within the epoch, counted from 0; does not matter to the official style.</param>
    /// <param name="stepsPerEpoch">the steps of an epoch.</param>
    public double Rate(int epoch, int step = 0, int stepsPerEpoch = 1) =>
        Style == ScheduleStyle.Official
            ? At(Math.Max(epoch - 1, 0))
            // the middle of the step: neither the first nor the last is spent at an end
            : At(epoch + (step + 0.5) / stepsPerEpoch);

    /// <summary>The curve itself, at a time in epochs.</summary>
    public double At(double time)
    {
        if (time < WarmupEpochs)
            return Start + time * ((Peak - Start) / WarmupEpochs);
        if (time >= Epochs)
            return Floor;
        if (Style == ScheduleStyle.Linear)
            return Floor + (Peak - Floor) * (Epochs - time) / (Epochs - WarmupEpochs);
        double part = Style == ScheduleStyle.Official ? time / Epochs : (time - WarmupEpochs) / (Epochs - WarmupEpochs);
        return Floor + 0.5 * (Peak - Floor) * (1 + Math.Cos(Math.PI * part));
    }
}
