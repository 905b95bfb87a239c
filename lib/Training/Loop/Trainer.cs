using System.Diagnostics;
using PatchKit.Checkpoints;
using PatchKit.Data;
using PatchKit.Data.Images;
using PatchKit.Models;
using PatchKit.Torch;
using PatchKit.Torch.Distributed;
using PatchKit.Training.Recipes;
using PatchKit.Training.Tasks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace PatchKit.Training.Loop;

/// <summary>
/// Trains a model by a recipe: schedule, AdamW with the recipe's groups, clipping, accumulation, moving average,
/// bfloat16 where the device has it. Everything random in step n is seeded by (seed, n) and the batches by their
/// places, so that a checkpoint needs no generator's state: a run that was interrupted, even killed, ends on the bits
/// of one that was not (same machine, libtorch and thread count).
/// </summary>
public sealed class Trainer : IDisposable
{
    private readonly Recipe _recipe;
    private readonly TrainingData _data;
    private readonly TrainerOptions _options;
    private readonly AdamW _optimizer;
    private readonly DataParallel? _parallel;
    private readonly TrainingStep _step;
    private readonly Finiteness _finite;
    private readonly TrainerCheckpoint? _checkpoint;
    private readonly MetricsLog? _log;
    private readonly int _stepsPerEpoch;
    private readonly StepMemory _memory;
    private readonly WaitClock _waited = new();
    private readonly BatchesAhead _batches;
    private readonly Stopwatch _clock = new(),
        _sinceSaved = new();
    private bool _fetchAhead;
    private double _recentLoss,
        _secondsBefore,
        _told;
    private long _firstStep;

    /// <summary>A trainer of any model.</summary>
    /// <param name="model">in training; it is moved to the options' device.</param>
    /// <param name="groups">its parameters with their weight decay and share of the learning rate.</param>
    /// <param name="recipe">how it is trained.</param>
    /// <param name="data">what it learns from.</param>
    /// <param name="objective">what is made smaller.</param>
    /// <param name="options">how the recipe is carried out.</param>
    /// <exception cref="ArgumentException">The set has less than one batch, or a batch does not split into the parts
    /// asked for.</exception>
    /// <exception cref="TrainingException">Parameters and optimizer do not fit into the device's memory.</exception>
    public Trainer(
        nn.Module model,
        IReadOnlyList<ParameterGroup> groups,
        Recipe recipe,
        TrainingData data,
        IObjective objective,
        TrainerOptions options
    )
    {
        recipe.Checked();
        (_recipe, _data, _options) = (recipe, data, options);
        if (data.EpochImages < recipe.BatchSize)
            throw new ArgumentException(
                $"an epoch has {data.EpochImages} images, but a batch takes {recipe.BatchSize}; set "
                    + $"batchSize to at most {data.EpochImages}."
            );
        if (options.Accumulation < 1 || recipe.BatchSize % options.Accumulation != 0)
            throw new ArgumentException(
                $"a batch of {recipe.BatchSize} does not split into {options.Accumulation} equal parts; "
                    + "accumulate over a divisor of it."
            );
        _stepsPerEpoch = (int)(data.EpochImages / recipe.BatchSize);
        (_batches, _fetchAhead) = (
            new BatchesAhead(options.Device),
            options.FetchAhead ?? options.Device.type != DeviceType.CPU
        );
        _memory = new StepMemory(
            options.Device,
            recipe.BatchSize / (options.Group?.Size ?? 1),
            StepMemory.Fixed(groups, recipe.EmaDecay > 0),
            options.ImageBytes
        );
        try
        {
            model.to(options.Device);
            model.train();
            _optimizer = ParameterGroups.AdamW(groups, recipe.Beta1, recipe.Beta2, recipe.Epsilon);
            if (recipe.EmaDecay > 0)
                Average = new ModelEma(model, recipe.EmaDecay);
            if (options.Group is { } group)
                _parallel = new DataParallel(
                    group,
                    new TrainerCheckpoint("", model, groups, _optimizer, Average),
                    recipe,
                    groups,
                    options.Accumulation
                );
        }
        catch (Exception e) when (Engine.IsOutOfMemory(e))
        {
            Average?.Dispose();
            _optimizer?.Dispose();
            throw new TrainingException(_memory.ModelTooLarge(), e);
        }
        if (options.Folder is { } folder)
        {
            Directory.CreateDirectory(folder);
            string checkpoint = Path.Combine(folder, TrainerCheckpoint.FileName);
            _checkpoint = new TrainerCheckpoint(checkpoint, model, groups, _optimizer, Average);
            _log = new MetricsLog(Path.Combine(folder, MetricsLog.FileName), Math.Max(1, Steps / 2000));
        }
        _finite = new Finiteness(groups, objective, options.Seed, _checkpoint, options.Folder);
        _step = new TrainingStep(
            model,
            groups,
            recipe,
            objective,
            options,
            _optimizer,
            Average,
            _parallel,
            _finite,
            FetchAhead
        );
    }

    /// <summary>A trainer of a classifier.</summary>
    public static Trainer Of(Backbone model, Recipe recipe, TrainingData data, TrainerOptions options) =>
        new(
            model.to(options.Device),
            ParameterGroups.Of(model, recipe.WeightDecay, recipe.LayerDecay),
            recipe,
            data,
            new ClassificationObjective(model, recipe, options.Seed),
            options
        );

    /// <summary>Steps in all.</summary>
    public long Steps => (long)_recipe.Epochs * _stepsPerEpoch;

    /// <summary>Steps done.</summary>
    public long Step { get; private set; }

    /// <summary>Seconds spent in training so far, those before an interruption among them.</summary>
    public double Seconds { get; private set; }

    /// <summary>How fast training has been since it was begun or resumed.</summary>
    public TrainingSpeed Speed
    {
        get
        {
            double seconds = _clock.Elapsed.TotalSeconds,
                rate = seconds > 0 ? (Step - _firstStep) * _recipe.BatchSize / seconds : 0;
            double? mfu =
                _options.Peak is { } peak && _options.FlopsPerImage > 0
                    ? rate * _options.FlopsPerImage / (peak.Flops * (_options.Group?.Size ?? 1))
                    : null;
            return new TrainingSpeed(
                rate,
                seconds > 0 ? _waited.Seconds / seconds : 0,
                Engine.MemoryOf(_options.Device).PeakBytes,
                _step.Parts,
                mfu,
                mfu is null ? null : _options.Peak!.Source
            );
        }
    }

    /// <summary>The weights' moving average; null where the recipe keeps none.</summary>
    public ModelEma? Average { get; }

    /// <summary>Trains to the end, from the folder's checkpoint where there is one.</summary>
    /// <param name="cancellation">ends training, after a checkpoint; the host's (<see cref="Cancellation"/>) where none
    /// is given.</param>
    /// <exception cref="OperationCanceledException">It was cancelled; what was done is saved.</exception>
    /// <exception cref="TrainingException">A loss, a gradient or a weight is not a finite number; or the checkpoint is
    /// damaged or of another run; or a step does not fit into memory.</exception>
    /// <exception cref="IOException">A checkpoint or the metrics cannot be written; the last checkpoint is as it
    /// was.</exception>
    public void Train(CancellationToken cancellation = default)
    {
        cancellation = Cancellation.OrHost(cancellation);
        if (_parallel is not null)
            cancellation = _parallel.Together(cancellation);
        Resume();
        Begin();
        while (Step < Steps)
        {
            long before = Step;
            RankLostException? lost = null;
            try
            {
                TrainEpoch(cancellation);
            }
            catch (Exception e) when (Engine.IsOutOfMemory(e))
            {
                MakeRoomForBatch(e);
                continue;
            }
            catch (ImageException) when (Step > _firstStep)
            {
                Save();
                throw;
            }
            catch (RankLostException e) when (_step.IsWhole)
            {
                lost = e;
            }
            catch (Exception e) when (_step.IsWhole && IsStop(e, cancellation)) { }
            EndIfLost(lost);
            EndIfStopped(cancellation);
            if (Step == before)
                throw NoBatch();
        }
        _clock.Stop();
        CompareRanks();
        Save();
    }

    /// <summary>Frees the optimizer and the average; the model is its maker's.</summary>
    public void Dispose()
    {
        _log?.Dispose();
        _parallel?.Dispose();
        _optimizer.Dispose();
        Average?.Dispose();
    }

    // The rest of the epoch that is due, or what of it there is until somebody stops it.
    private void TrainEpoch(CancellationToken cancellation)
    {
        var (epoch, first) = ((int)(Step / _stepsPerEpoch), (int)(Step % _stepsPerEpoch));
        using var stop = Engine.StopOn(cancellation);
        foreach (var batch in _batches.Of(_waited.Timed(_data.Training(epoch, first, cancellation))))
        {
            if (!TakeStep(batch, epoch, cancellation))
                return;
            Tell();
            SaveWhenDue();
            if (Step % _stepsPerEpoch == 0)
                return;
        }
    }

    // A step for which memory runs out is done again, with the same seed, in more parts.
    private bool TakeStep(Batch batch, int epoch, CancellationToken cancellation)
    {
        using (batch)
        {
            if (_options.AutoBatch && _parallel is not null && Step == _firstStep)
                FindParts(batch);
            double rate = _recipe.LearningRates.Rate(epoch, (int)(Step % _stepsPerEpoch), _stepsPerEpoch);
            while (true)
            {
                try
                {
                    if (_step.Try(batch, Step, epoch, rate, cancellation) is not { } taken)
                        return false;
                    Step++;
                    _parallel?.StepIsWhole();
                    Note(taken, epoch, rate);
                    return true;
                }
                catch (Exception e) when (Engine.IsOutOfMemory(e))
                {
                    MakeRoom(e, alone: _parallel is null);
                }
            }
        }
    }

    private void Note(StepTaken taken, int epoch, double rate)
    {
        Seconds = _secondsBefore + _clock.Elapsed.TotalSeconds;
        _recentLoss += Math.Max(.05, 1.0 / Step) * (taken.Loss - _recentLoss);
        _log?.Add(Step, epoch, taken.Loss, rate, taken.GradientNorm, endsEpoch: Step % _stepsPerEpoch == 0);
    }

    // Ranks find the number of parts before their first step, each by itself, and all take the largest: within a step
    // the others would wait for gradients that do not come.
    private void FindParts(Batch batch)
    {
        for (int parts = 0; parts != _step.Parts; )
        {
            _parallel!.Accumulation = parts = _step.Parts;
            try
            {
                _step.Rehearse(batch, Step);
            }
            catch (Exception e) when (Engine.IsOutOfMemory(e))
            {
                MakeRoom(e, alone: true);
            }
        }
        _optimizer.zero_grad();
        _parallel!.Accumulation = _step.Parts = _parallel.Most(_step.Parts);
    }

    private void FetchAhead()
    {
        if (_fetchAhead)
            _batches.Fetch();
    }

    // A batch that is made on the device may have room when it is due, and none beside the step before.
    private void MakeRoomForBatch(Exception e)
    {
        if (_fetchAhead && _step.IsWhole && _parallel is null)
            Engine.ReleaseMemory();
        else
            MakeRoom(e, alone: _parallel is null);
        _fetchAhead = false;
    }

    // What a step did not fit with is freed, and the next one takes more parts, or the run ends with a sentence.
    private void MakeRoom(Exception e, bool alone)
    {
        _optimizer.zero_grad();
        Engine.ReleaseMemory();
        if (!_step.IsWhole)
            throw new TrainingException(
                $"memory ran out while the optimizer changed the weights in step {Step}, so that they are "
                    + $"of no step: {e.Message}{Kept()}",
                e
            );
        if (!_options.AutoBatch || !alone || _memory.MoreParts(_step.Parts) is not { } parts)
        {
            SaveProgress();
            throw new TrainingException($"{_memory.TooLarge(_step.Parts, offer: !_options.AutoBatch)}{Kept()}", e);
        }
        _options.Say?.Invoke(
            $"step {Step} does not fit into memory with {StepMemory.Images(_memory.Batch / _step.Parts)} at a "
                + $"time; it is done again, and the run goes on, in {parts} "
                + $"parts, {StepMemory.Images(_memory.Batch / parts)} at a time"
        );
        _step.Parts = parts;

        string Kept() => _checkpoint is { Exists: true } ? $" The checkpoint is in {_options.Folder}." : "";
    }

    // The images' threads or whoever is told of progress may notice first that training is to stop; a notebook's stop
    // button also interrupts waits.
    private static bool IsStop(Exception e, CancellationToken cancellation) =>
        cancellation.IsCancellationRequested && e is OperationCanceledException or ThreadInterruptedException;

    private void EndIfStopped(CancellationToken cancellation)
    {
        if (!cancellation.IsCancellationRequested)
            return;
        SaveProgress();
        string saved = _checkpoint is { Exists: true } ? $"; the checkpoint is in {_options.Folder}" : "";
        throw new OperationCanceledException($"training was stopped at step {Step} of {Steps}{saved}", cancellation);
    }

    private void EndIfLost(RankLostException? lost)
    {
        if ((lost?.Message ?? _options.Group?.Failure) is not { } gone)
            return;
        SaveProgress();
        string? folder = _checkpoint is { Exists: true } ? _options.Folder : null;
        throw new TrainingException(DataParallel.HowToGoOn(gone, Step, Steps, folder), lost);
    }

    private TrainingException NoBatch() =>
        new(
            $"epoch {Step / _stepsPerEpoch} gave no batch of {_recipe.BatchSize} images from step "
                + $"{Step % _stepsPerEpoch} on; too many images were skipped, so mend the set (patchkit data verify)."
        );

    private void CompareRanks()
    {
        try
        {
            _parallel?.Compare(Step);
        }
        catch (RankLostException)
        {
            Save(); // the weights are whole, and compared when the run goes on
            throw;
        }
    }

    private void Tell()
    {
        double elapsed = _clock.Elapsed.TotalSeconds;
        if (_options.Progress is not { } progress || (Step < Steps && elapsed - _told <= 0.1))
            return;
        _told = elapsed;
        var speed = Speed;
        progress(
            new TrainingProgress(
                Step,
                Steps,
                _recentLoss,
                ((ParamGroup)_optimizer.ParamGroups.First()).LearningRate,
                speed.ImagesPerSecond,
                TimeSpan.FromSeconds(elapsed / Math.Max(1, Step - _firstStep) * (Steps - Step)),
                speed.DataWait,
                speed.PeakBytes,
                speed.Mfu
            )
        );
    }

    private void Begin()
    {
        (_firstStep, _secondsBefore, _told) = (Step, Seconds, -1);
        Engine.ResetPeakMemory(_options.Device);
        _clock.Restart();
        _sinceSaved.Restart();
    }

    private void Resume()
    {
        var found = Checkpoint();
        if ((_parallel is null ? found : _parallel.Start(found)) is not { } state)
        {
            _log?.Begin(null);
            return;
        }
        if (state.Step > Steps)
            throw new TrainingException(
                $"the checkpoint in {_options.Folder} is at step {state.Step}, but this run has {Steps}; it "
                    + "is of another run, so give this one a folder of its own."
            );
        (Step, Seconds, _recentLoss, _step.IsWhole) = (state.Step, state.Seconds, state.RecentLoss, true);
        if (_options.AutoBatch && _memory.Batch % state.Accumulation == 0)
            _step.Parts = Math.Max(_step.Parts, state.Accumulation);
        _log?.Begin(state.Log);
    }

    private TrainerState? Checkpoint()
    {
        try
        {
            return _checkpoint?.Load();
        }
        catch (CheckpointException e)
        {
            throw new TrainingException(
                $"{e.Message} Without that file (or after `patchkit runs delete`) the run begins anew.",
                e
            );
        }
    }

    private void SaveWhenDue()
    {
        bool steps = _options.CheckpointSteps > 0 && Step % _options.CheckpointSteps == 0;
        if (Step == Steps || !(steps || _sinceSaved.Elapsed > _options.CheckpointEvery))
            return;
        Save();
        _sinceSaved.Restart();
    }

    private void SaveProgress()
    {
        if (Step > _firstStep)
            Save();
    }

    private void Save()
    {
        _finite.CheckWeights(Step - 1);
        _checkpoint?.Write(new TrainerState(Step, Seconds, _recentLoss, _log!.Flushed(), _step.Parts));
    }
}
