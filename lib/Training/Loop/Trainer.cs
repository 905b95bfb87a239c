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
/// places, so that no generator's state is saved: a run that was interrupted, even killed, ends on the bits
/// of one that was not (same machine, libtorch and thread count).
/// </summary>
public sealed class Trainer : IDisposable
{
    private readonly Recipe _recipe;
    private readonly TrainingData _data;
    private readonly TrainerOptions _options;
    private readonly int _stepsPerEpoch;
    private readonly AdamW _optimizer;
    private readonly DataParallel? _parallel;
    private readonly BatchesAhead _batches;
    private readonly TrainingMeter _meter;
    private readonly TrainingStep _step;
    private readonly TrainerSaves _saves;
    private readonly MemoryRecovery _memory;

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
        _batches = new BatchesAhead(options.Device, options.FetchAhead ?? options.Device.type != DeviceType.CPU);
        _meter = new TrainingMeter(options, recipe.BatchSize, Steps);
        var memory = new StepMemory(
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
                    new TrainerStateFile("", model, groups, _optimizer, Average),
                    model,
                    recipe,
                    groups,
                    options.Accumulation
                );
        }
        catch (Exception e) when (Engine.IsOutOfMemory(e))
        {
            Average?.Dispose();
            _optimizer?.Dispose();
            throw new TrainingException(memory.ModelTooLarge(), e);
        }
        TrainerStateFile? file = null;
        if (options.Folder is { } folder)
        {
            Directory.CreateDirectory(folder);
            string path = Path.Combine(folder, TrainerStateFile.FileName);
            file = new TrainerStateFile(path, model, groups, _optimizer, Average);
        }
        var finite = new Finiteness(groups, objective, options.Seed, file, options.Folder);
        _step = new TrainingStep(
            model,
            groups,
            recipe,
            objective,
            options,
            _optimizer,
            Average,
            _parallel,
            finite,
            _batches.FetchAhead
        );
        _saves = new TrainerSaves(options, file, finite, _meter, _step, Steps);
        _memory = new MemoryRecovery(options, memory, _step, _optimizer, _batches, _parallel, _meter, _saves);
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
    public long Step => _meter.Step;

    /// <summary>Seconds spent in training so far, those before an interruption among them.</summary>
    public double Seconds => _meter.Seconds;

    /// <summary>How fast training has been since it was begun or resumed.</summary>
    public TrainingSpeed Speed => _meter.Speed(_step.Parts);

    /// <summary>The weights' moving average; null where the recipe keeps none.</summary>
    public ModelEma? Average { get; }

    /// <summary>Trains to the end, from the state saved in the folder where there is one.</summary>
    /// <param name="cancellation">ends training, which is saved; the host's (<see cref="Cancellation"/>) where none
    /// is given.</param>
    /// <exception cref="OperationCanceledException">It was cancelled; what was done is saved.</exception>
    /// <exception cref="TrainingException">A loss, a gradient or a weight is not a finite number; or the saved state is
    /// damaged or of another run; or a step does not fit into memory.</exception>
    /// <exception cref="IOException">The state or the metrics cannot be written; the last state is as it
    /// was.</exception>
    public void Train(CancellationToken cancellation = default)
    {
        cancellation = Cancellation.OrHost(cancellation);
        cancellation = _parallel?.Together(cancellation) ?? cancellation;
        Resume();
        _meter.Begin();
        while (Step < Steps)
            TrainEpoch(cancellation);
        _meter.Stop();
        CompareRanks();
        _saves.Save();
    }

    /// <summary>Frees the optimizer and the average; the model is its maker's.</summary>
    public void Dispose()
    {
        _saves.Dispose();
        _parallel?.Dispose();
        _optimizer.Dispose();
        Average?.Dispose();
    }

    // The rest of the epoch that is due, or what of it there is until training ends early.
    private void TrainEpoch(CancellationToken cancellation)
    {
        long before = Step;
        RankLostException? lost = null;
        try
        {
            TakeSteps(cancellation);
        }
        catch (Exception e) when (Engine.IsOutOfMemory(e))
        {
            _memory.MakeRoomForBatch(e);
            return;
        }
        catch (ImageException) when (_meter.HasAdvanced)
        {
            _saves.Save();
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

    private void TakeSteps(CancellationToken cancellation)
    {
        var (epoch, first) = ((int)(Step / _stepsPerEpoch), (int)(Step % _stepsPerEpoch));
        using var stop = Engine.StopOn(cancellation);
        foreach (var batch in _batches.Of(_meter.Waited.Timed(_data.Training(epoch, first, cancellation))))
        {
            double rate = _recipe.LearningRates.Rate(epoch, (int)(Step % _stepsPerEpoch), _stepsPerEpoch);
            if (TakeStep(batch, epoch, rate, cancellation) is not { } taken)
                return;
            bool endsEpoch = Step % _stepsPerEpoch == 0;
            _saves.Log(taken, epoch, rate, endsEpoch);
            _meter.Tell(_step.Parts, ((ParamGroup)_optimizer.ParamGroups.First()).LearningRate);
            _saves.SaveWhenDue();
            if (endsEpoch)
                return;
        }
    }

    private StepTaken? TakeStep(Batch batch, int epoch, double rate, CancellationToken cancellation)
    {
        using (batch)
        {
            if (_options.AutoBatch && _parallel is not null && !_meter.HasAdvanced)
                _memory.AgreeOnParts(batch);
            var taken = _memory.Take(() => _step.Try(batch, Step, epoch, rate, cancellation));
            if (taken is not { } step)
                return null;
            _meter.Count(step.Loss);
            _parallel?.StepIsWhole();
            return taken;
        }
    }

    private void Resume()
    {
        var saved = _saves.Load();
        if (_parallel is not null)
            saved = _parallel.Start(saved);
        if (saved is { } state)
        {
            if (state.Step > Steps)
                throw new TrainingException(
                    $"the checkpoint in {_options.Folder} is at step {state.Step}, but this run has {Steps}; it "
                        + "is of another run, so give this one a folder of its own."
                );
            _meter.Resume(state);
            _step.IsWhole = true;
            _memory.Resume(state.Accumulation);
        }
        _saves.Begin(saved?.Log);
    }

    // The images' threads or whoever is told of progress may notice first that training is to stop; a notebook's stop
    // button also interrupts waits.
    private static bool IsStop(Exception e, CancellationToken cancellation) =>
        cancellation.IsCancellationRequested && e is OperationCanceledException or ThreadInterruptedException;

    private void EndIfStopped(CancellationToken cancellation)
    {
        if (!cancellation.IsCancellationRequested)
            return;
        _saves.SaveProgress();
        string saved = _saves.Kept is { } folder ? $"; the checkpoint is in {folder}" : "";
        throw new OperationCanceledException($"training was stopped at step {Step} of {Steps}{saved}", cancellation);
    }

    private void EndIfLost(RankLostException? lost)
    {
        if ((lost?.Message ?? _options.Group?.Failure) is not { } gone)
            return;
        _saves.SaveProgress();
        throw new TrainingException(DataParallel.HowToGoOn(gone, Step, Steps, _saves.Kept), lost);
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
            _saves.Save(); // the weights are whole, and compared when the run goes on
            throw;
        }
    }
}
