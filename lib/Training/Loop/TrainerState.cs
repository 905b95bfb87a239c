namespace PatchKit.Training.Loop;

/// <summary>What a trainer's state holds beside tensors.</summary>
/// <param name="Step">steps done: with the run's seed it is the state of every generator and the place in the
/// data.</param>
/// <param name="Seconds">spent in training.</param>
/// <param name="RecentLoss">the progress line's average.</param>
/// <param name="Log">where the metrics stood.</param>
/// <param name="Accumulation">parts that a batch was trained in.</param>
internal readonly record struct TrainerState(
    long Step,
    double Seconds,
    double RecentLoss,
    MetricsMark Log,
    int Accumulation
);
