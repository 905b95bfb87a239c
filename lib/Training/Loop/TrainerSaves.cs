using System.Diagnostics;
using PatchKit.Checkpoints;

namespace PatchKit.Training.Loop;

/// <summary>
/// What a training goes on from: the trainer's state and the metrics, in the run's folder where it has one.
/// </summary>
/// <param name="options">the folder, and how often the state is saved.</param>
/// <param name="file">the trainer's state; null without a folder.</param>
/// <param name="finite">refuses weights that nobody could go on from.</param>
/// <param name="meter">where the run stands.</param>
/// <param name="step">in how many parts batches are trained.</param>
/// <param name="steps">steps in all.</param>
internal sealed class TrainerSaves(
    TrainerOptions options,
    TrainerStateFile? file,
    Finiteness finite,
    TrainingMeter meter,
    TrainingStep step,
    long steps
) : IDisposable
{
    private readonly MetricsLog? _log = options.Folder is { } folder
        ? new MetricsLog(Path.Combine(folder, MetricsLog.FileName), Math.Max(1, steps / 2000))
        : null;
    private readonly Stopwatch _sinceSaved = new();

    /// <summary>The folder of the state that was saved; null where none was.</summary>
    internal string? Kept => file is { Exists: true } ? options.Folder : null;

    /// <summary>Restores the tensors and gives back the rest; null where nothing was saved.</summary>
    /// <exception cref="TrainingException">The file is damaged or of another run.</exception>
    internal TrainerState? Load()
    {
        try
        {
            return file?.Load();
        }
        catch (CheckpointException e)
        {
            throw new TrainingException(
                $"{e.Message} Without that file (or after `patchkit runs delete`) the run begins anew.",
                e
            );
        }
    }

    /// <summary>Opens the metrics, which go on where they stood.</summary>
    internal void Begin(MetricsMark? mark)
    {
        _log?.Begin(mark);
        _sinceSaved.Restart();
    }

    /// <summary>Adds a step to the metrics.</summary>
    internal void Log(StepTaken taken, int epoch, double rate, bool endsEpoch) =>
        _log?.Add(meter.Step, epoch, taken.Loss, rate, taken.GradientNorm, endsEpoch);

    /// <summary>Saves where it is time to; the last step is saved when training has ended.</summary>
    internal void SaveWhenDue()
    {
        bool ofSteps = options.SaveSteps > 0 && meter.Step % options.SaveSteps == 0;
        if (meter.Step == steps || !(ofSteps || _sinceSaved.Elapsed > options.SaveEvery))
            return;
        Save();
        _sinceSaved.Restart();
    }

    /// <summary>Saves what was done since training was begun or resumed, if anything.</summary>
    internal void SaveProgress()
    {
        if (meter.HasAdvanced)
            Save();
    }

    /// <summary>Saves.</summary>
    /// <exception cref="TrainingException">A weight is not a finite number.</exception>
    /// <exception cref="IOException">The file cannot be written; the one before it is as it was.</exception>
    internal void Save()
    {
        finite.CheckWeights(meter.Step - 1);
        file?.Write(new TrainerState(meter.Step, meter.Seconds, meter.RecentLoss, _log!.Flushed(), step.Parts));
    }

    public void Dispose() => _log?.Dispose();
}
