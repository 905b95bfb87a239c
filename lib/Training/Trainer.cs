using System.Diagnostics;
using System.Globalization;
using PatchKit.Checkpoints;
using PatchKit.Data;
using PatchKit.Models;
using PatchKit.Ops;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace PatchKit.Training;

/// <summary>
/// Trains a model by a recipe: schedule, AdamW with the recipe's groups, clipping, accumulation, moving average,
/// bfloat16 where the device has it. Everything random in step n is seeded by (seed, n) and the batches by their
/// places, so that a checkpoint needs no generator's state: a run that was interrupted, even killed, ends on the bits
/// of one that was not (same machine, libtorch and thread count).
/// </summary>
public sealed class Trainer : IDisposable
{
    private readonly nn.Module _model;
    private readonly IReadOnlyList<ParameterGroup> _groups;
    private readonly Recipe _recipe;
    private readonly TrainingData _data;
    private readonly IObjective _objective;
    private readonly TrainerOptions _options;
    private readonly AdamW _optimizer;
    private readonly ModelEma? _average;
    private readonly DataParallel? _parallel;
    private readonly TrainerCheckpoint? _checkpoint;
    private readonly MetricsLog? _log;
    private readonly int _stepsPerEpoch;
    private readonly ScalarType? _lower;
    private readonly StepMemory _memory;
    private readonly WaitClock _waited = new();
    private readonly BatchesAhead _batches;
    private bool _fetchAhead;
    private readonly Stopwatch _clock = new();
    private double _recentLoss;
    private bool _whole = true;
    private long _firstStep;
    private int _parts;

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
        (_model, _groups, _recipe, _data, _objective, _options) = (model, groups, recipe, data, objective, options);
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
        _lower = options.Autocast ?? Devices.Lower(options.Device);
        (_stepsPerEpoch, _parts) = ((int)(data.EpochImages / recipe.BatchSize), options.Accumulation);
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
                _average = new ModelEma(model, recipe.EmaDecay);
            if (options.Group is { } group)
                _parallel = new DataParallel(
                    group,
                    new TrainerCheckpoint("", model, _groups, _optimizer, _average),
                    recipe,
                    _groups,
                    options.Accumulation
                );
        }
        catch (Exception e) when (Engine.IsOutOfMemory(e))
        {
            _average?.Dispose();
            _optimizer?.Dispose();
            throw new TrainingException(_memory.ModelTooLarge(), e);
        }
        if (options.Folder is null)
            return;
        Directory.CreateDirectory(options.Folder);
        _checkpoint = new TrainerCheckpoint(
            Path.Combine(options.Folder, TrainerCheckpoint.FileName),
            model,
            _groups,
            _optimizer,
            _average
        );
        _log = new MetricsLog(Path.Combine(options.Folder, MetricsLog.FileName), Math.Max(1, Steps / 2000));
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
                _parts,
                mfu,
                mfu is null ? null : _options.Peak!.Source
            );
        }
    }

    /// <summary>The weights' moving average; null where the recipe keeps none.</summary>
    public ModelEma? Average => _average;

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
        var written = Stopwatch.StartNew();
        var (secondsBefore, stepsBefore, told) = (Seconds, Step, -1.0);
        _firstStep = Step;
        Engine.ResetPeakMemory(_options.Device);
        _clock.Restart();
        while (Step < Steps)
        {
            var (epoch, first) = ((int)(Step / _stepsPerEpoch), (int)(Step % _stepsPerEpoch));
            long before = Step;
            RankLostException? lost = null;
            try
            {
                using var stop = Engine.StopOn(cancellation);
                foreach (var batch in _batches.Of(_waited.Timed(_data.Training(epoch, first, cancellation))))
                {
                    if (!TryStep(batch, epoch, cancellation))
                        break;
                    Seconds = secondsBefore + _clock.Elapsed.TotalSeconds;
                    if (Step == Steps || _clock.Elapsed.TotalSeconds - told > 0.1)
                        Tell(told = _clock.Elapsed.TotalSeconds);
                    if (
                        Step < Steps
                        && (
                            written.Elapsed > _options.CheckpointEvery
                            || (_options.CheckpointSteps > 0 && Step % _options.CheckpointSteps == 0)
                        )
                    )
                    {
                        Save();
                        written.Restart();
                    }
                    if (Step % _stepsPerEpoch == 0)
                        break;
                }
            }
            catch (Exception e) when (Engine.IsOutOfMemory(e))
            {
                // A batch that is made on the device may have room when it is due, and none beside the step before.
                if (_fetchAhead && _whole && _parallel is null)
                    Engine.ReleaseMemory();
                else
                    Split(e, alone: _parallel is null);
                _fetchAhead = false;
                continue;
            }
            catch (ImageException) when (Step > stepsBefore)
            {
                Save();
                throw;
            }
            catch (RankLostException e) when (_whole)
            {
                lost = e;
            }
            catch (Exception e)
                when (_whole
                    && cancellation.IsCancellationRequested
                    && e is OperationCanceledException or ThreadInterruptedException
                )
            {
                // The images' threads or whoever is told of progress noticed first; a notebook's stop button also
                // interrupts waits.
            }
            if ((lost?.Message ?? _options.Group?.Failure) is { } gone)
            {
                if (Step > stepsBefore)
                    Save();
                throw new TrainingException(
                    DataParallel.HowToGoOn(gone, Step, Steps, _checkpoint is { Exists: true } ? _options.Folder : null),
                    lost
                );
            }
            if (cancellation.IsCancellationRequested)
            {
                if (Step > stepsBefore)
                    Save();
                string saved = _checkpoint is { Exists: true } ? $"; the checkpoint is in {_options.Folder}" : "";
                throw new OperationCanceledException(
                    $"training was stopped at step {Step} of {Steps}{saved}",
                    cancellation
                );
            }
            if (Step == before)
                throw new TrainingException(
                    $"epoch {epoch} gave no batch of {_recipe.BatchSize} images from step {first} on; too "
                        + "many images were skipped, so mend the set (patchkit data verify)."
                );
        }
        _clock.Stop();
        try
        {
            _parallel?.Compare(Step);
        }
        catch (RankLostException)
        {
            Save(); // the weights are whole, and compared when the run goes on
            throw;
        }
        Save();
    }

    /// <summary>Frees the optimizer and the average; the model is its maker's.</summary>
    public void Dispose()
    {
        _log?.Dispose();
        _parallel?.Dispose();
        _optimizer.Dispose();
        _average?.Dispose();
    }

    // A step for which memory runs out is done again, with the same seed, in more parts.
    private bool TryStep(Batch batch, int epoch, CancellationToken cancellation)
    {
        using (batch)
        {
            if (_options.AutoBatch && Step == _firstStep)
                FindParts(batch);
            while (true)
            {
                try
                {
                    return TryStepOnce(batch, epoch, cancellation);
                }
                catch (Exception e) when (Engine.IsOutOfMemory(e))
                {
                    Split(e, alone: _parallel is null);
                }
            }
        }
    }

    // Ranks find the number of parts before their first step, each by itself, and all take the largest: within a step
    // the others would wait for gradients that do not come.
    private void FindParts(Batch batch)
    {
        if (_parallel is null)
            return;
        for (int parts = 0; parts != _parts; )
        {
            _parallel.Accumulation = parts = _parts;
            try
            {
                using var scope = NewDisposeScope();
                Backward(batch.To(_options.Device), alone: true);
            }
            catch (Exception e) when (Engine.IsOutOfMemory(e))
            {
                Split(e, alone: true);
            }
        }
        _optimizer.zero_grad();
        _parallel.Accumulation = _parts = _parallel.Most(_parts);
    }

    // A step that is cut short, by cancellation or for lack of memory, leaves parameters and optimizer as they were.
    private bool TryStepOnce(Batch batch, int epoch, CancellationToken cancellation)
    {
        using (NewDisposeScope())
        {
            Engine.Seed(
                unchecked((long)((ulong)_options.Seed * 0x9E3779B97F4A7C15 + (ulong)Step + (_parallel?.OwnStream ?? 0)))
            );
            double rate = _recipe.LearningRates.Rate(epoch, (int)(Step % _stepsPerEpoch), _stepsPerEpoch);
            double? mean;
            List<Tensor> losses;
            ParameterGroups.SetLearningRate(_optimizer, _groups, rate);
            _optimizer.zero_grad();
            var here = batch.To(_options.Device);
            try
            {
                if (cancellation.IsCancellationRequested)
                    return false;
                losses = Backward(here, alone: _parallel is null);
                if (_fetchAhead)
                    _batches.Fetch(); // the device is at the gradients
                mean = _parallel?.Finish();
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return false;
            }
            double norm = GradientNorm.Clip(
                _groups.SelectMany(group => group.Parameters),
                _recipe.ClipNorm > 0 ? _recipe.ClipNorm : double.PositiveInfinity
            );
            double loss = mean ?? losses.Sum(part => part.ToScalar().ToDouble());
            if (!double.IsFinite(loss) || !double.IsFinite(norm))
                throw NotFinite(here, epoch, loss, norm, rate);
            _whole = false;
            _optimizer.step();
            _average?.Update(_model);
            Step++;
            _whole = true;
            _parallel?.StepIsWhole();
            _recentLoss += Math.Max(.05, 1.0 / Step) * (loss - _recentLoss);
            _log?.Add(Step, epoch, loss, rate, norm, endsEpoch: Step % _stepsPerEpoch == 0);
            return true;
        }
    }

    // The parts' losses, each its share of the mean, still on the device: a GPU is waited for once in a step, when the
    // gradient's norm is read, and that must be before parameters change.
    private List<Tensor> Backward(Batch batch, bool alone)
    {
        var losses = new List<Tensor>();
        using var parts = _objective.Losses(batch, Step, _parts).GetEnumerator();
        while (true)
        {
            using var scope = NewDisposeScope();
            bool more;
            using (_lower is { } dtype ? Engine.Autocast(_options.Device, dtype) : null)
                more = parts.MoveNext();
            if (!more)
                return losses;
            var loss = _parts == 1 ? parts.Current : parts.Current / _parts;
            losses.Add(loss.detach().MoveToOuterDisposeScope());
            if (!alone && losses.Count == _parts)
                _parallel!.Arm(stack(losses).sum());
            Engine.Backward(loss);
        }
    }

    // What a step did not fit with is freed, and the next one takes more parts, or the run ends with a sentence.
    private void Split(Exception e, bool alone)
    {
        _optimizer.zero_grad();
        Engine.ReleaseMemory();
        if (!_whole)
            throw new TrainingException(
                $"memory ran out while the optimizer changed the weights in step {Step}, so that they are "
                    + $"of no step: {e.Message}{Kept()}",
                e
            );
        if (!_options.AutoBatch || !alone || _memory.MoreParts(_parts) is not { } parts)
        {
            if (Step > _firstStep)
                Save();
            throw new TrainingException($"{_memory.TooLarge(_parts, offer: !_options.AutoBatch)}{Kept()}", e);
        }
        _options.Say?.Invoke(
            $"step {Step} does not fit into memory with {StepMemory.Images(_memory.Batch / _parts)} at a "
                + $"time; it is done again, and the run goes on, in {parts} "
                + $"parts, {StepMemory.Images(_memory.Batch / parts)} at a time"
        );
        _parts = parts;

        string Kept() => _checkpoint is { Exists: true } ? $" The checkpoint is in {_options.Folder}." : "";
    }

    private TrainingException NotFinite(Batch batch, int epoch, double loss, double norm, double rate)
    {
        string what = double.IsFinite(loss) ? $"the gradient's norm is {norm}" : $"the loss is {loss}";
        string where =
            FirstNonFinite(parameter => parameter) is { } weight ? $"the weights {weight} are not finite any more"
            : FirstNonFiniteLayer(batch) is { } layer ? $"the forward pass stops being finite at {layer}"
            : FirstNonFinite(parameter => parameter.grad) is { } last
                ? $"the forward pass is finite, but the gradient of {last} is not"
            : "forward pass and gradients are finite when computed again";
        return Failed(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{what} at step {Step} (epoch {epoch}, batch seed {_options.Seed}/{Step}, learning "
                    + $"rate {rate:G3}): {where}"
            )
        );
    }

    private string? FirstNonFiniteLayer(Batch batch)
    {
        try
        {
            return _objective.FirstNonFinite(batch);
        }
        catch (Exception e) when (Engine.IsOutOfMemory(e))
        {
            return "a layer that there was not enough memory left to look for";
        }
    }

    private TrainingException Failed(string what)
    {
        bool isSaved = _checkpoint is { Exists: true };
        string last = isSaved ? $" The last checkpoint, in {_options.Folder}, is from before." : "";
        return new($"{what}. Lower baseLearningRate, or set clipNorm=1.{last}");
    }

    // The first parameter of which something is not finite.
    private string? FirstNonFinite(Func<Parameter, Tensor?> part)
    {
        foreach (var (name, parameter) in _groups.SelectMany(group => group.Names.Zip(group.Parameters)))
        {
            using var scope = NewDisposeScope();
            if (part(parameter) is { } values && !values.isfinite().all().item<bool>())
                return name;
        }
        return null;
    }

    private void Tell(double elapsed)
    {
        if (_options.Progress is not { } progress)
            return;
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
        (Step, Seconds, _recentLoss, _whole) = (state.Step, state.Seconds, state.RecentLoss, true);
        if (_options.AutoBatch && _memory.Batch % state.Accumulation == 0)
            _parts = Math.Max(_parts, state.Accumulation);
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

    private void Save()
    {
        if (FirstNonFinite(parameter => parameter) is { } weight)
            throw Failed(
                $"the weights {weight} are not finite after step {Step - 1} (batch seed {_options.Seed}/{Step - 1})"
            );
        _checkpoint?.Write(new TrainerState(Step, Seconds, _recentLoss, _log!.Flushed(), _parts));
    }
}
