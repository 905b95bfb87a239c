using System.Diagnostics;
using PatchKit.Torch;

namespace PatchKit.Training.Loop;

/// <summary>
/// How far a training came and how fast it has been; whoever asked is told, at most ten times a second.
/// </summary>
/// <param name="options">device, and who is told.</param>
/// <param name="batchSize">images of a step.</param>
/// <param name="steps">steps in all.</param>
internal sealed class TrainingMeter(TrainerOptions options, int batchSize, long steps)
{
    private readonly Stopwatch _clock = new();
    private double _secondsBefore,
        _told;
    private long _firstStep;

    /// <summary>Times the waiting for batches.</summary>
    internal WaitClock Waited { get; } = new();

    /// <summary>Steps done.</summary>
    internal long Step { get; private set; }

    /// <summary>Seconds of training, those before an interruption among them.</summary>
    internal double Seconds { get; private set; }

    /// <summary>The moving average of the losses.</summary>
    internal double RecentLoss { get; private set; }

    /// <summary>Whether a step was done since training was begun or resumed.</summary>
    internal bool HasAdvanced => Step > _firstStep;

    /// <summary>Goes on from a saved place.</summary>
    internal void Resume(TrainerState state) =>
        (Step, Seconds, RecentLoss) = (state.Step, state.Seconds, state.RecentLoss);

    /// <summary>Starts the clock.</summary>
    internal void Begin()
    {
        (_firstStep, _secondsBefore, _told) = (Step, Seconds, -1);
        Engine.ResetPeakMemory(options.Device);
        _clock.Restart();
    }

    /// <summary>Counts a step.</summary>
    internal void Count(double loss)
    {
        Step++;
        Seconds = _secondsBefore + _clock.Elapsed.TotalSeconds;
        RecentLoss += Math.Max(.05, 1.0 / Step) * (loss - RecentLoss);
    }

    /// <summary>Stops the clock.</summary>
    internal void Stop() => _clock.Stop();

    /// <summary>How fast training has been since it was begun or resumed.</summary>
    /// <param name="parts">that a batch is trained in.</param>
    internal TrainingSpeed Speed(int parts)
    {
        double seconds = _clock.Elapsed.TotalSeconds,
            rate = seconds > 0 ? (Step - _firstStep) * batchSize / seconds : 0;
        double? mfu =
            options.Peak is { } peak && options.FlopsPerImage > 0
                ? rate * options.FlopsPerImage / (peak.Flops * (options.Group?.Size ?? 1))
                : null;
        return new TrainingSpeed(
            rate,
            seconds > 0 ? Waited.Seconds / seconds : 0,
            Engine.MemoryOf(options.Device).PeakBytes,
            parts,
            mfu,
            mfu is null ? null : options.Peak!.Source
        );
    }

    /// <summary>Tells where the run stands, where it is time to.</summary>
    /// <param name="parts">that a batch is trained in.</param>
    /// <param name="learningRate">of the optimizer's first group.</param>
    internal void Tell(int parts, double learningRate)
    {
        double elapsed = _clock.Elapsed.TotalSeconds;
        if (options.Progress is not { } progress || (Step < steps && elapsed - _told <= 0.1))
            return;
        _told = elapsed;
        var speed = Speed(parts);
        progress(
            new TrainingProgress(
                Step,
                steps,
                RecentLoss,
                learningRate,
                speed.ImagesPerSecond,
                TimeSpan.FromSeconds(elapsed / Math.Max(1, Step - _firstStep) * (steps - Step)),
                speed.DataWait,
                speed.PeakBytes,
                speed.Mfu
            )
        );
    }
}
