using PatchKit.Checkpoints;
using PatchKit.Data.Sets;
using PatchKit.Models;
using PatchKit.Torch;
using PatchKit.Training.Loop;
using PatchKit.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Training.Runs;

/// <summary>
/// Trains runs of a store, each but once: data, task and trainer as the configuration says, then the test and the
/// result.
/// </summary>
/// <param name="store">where runs are.</param>
/// <param name="options">how they are carried out.</param>
/// <param name="cancellation">stops training, which is saved.</param>
internal sealed class RunTraining(RunStore store, RunOptions options, CancellationToken cancellation)
{
    private static readonly LoadingWords s_startWords = new(
        Transfer: "give --transfer-patch to resize the patch embedding (TransferPatch of a RunConfig), or train at "
            + "the earlier run's patch size",
        Model: "start from a run of the same model"
    );

    private readonly RunRanks _ranks = new(options.Group, cancellation);

    /// <summary>The result of a run that is finished, or of training it, and before it what it starts from.</summary>
    internal RunResult Train(RunConfig config)
    {
        if (_ranks.Shared(config, () => store.Find(config)) is { } known)
            return Checked(known);
        if (config.StartsFrom is { } earlier)
            Train(earlier);
        if (options.Group is { } group)
            DataParallel.Check(config.Recipe, group.Size, options.Accumulation);
        var folder = new RunFolder(store.FolderOf(config));
        if (_ranks.Lead)
            folder.Make();
        using var alone = _ranks.Lead ? folder.Lock() : null;
        if (_ranks.Shared(config, () => folder.Result) is { } meanwhile)
            return Checked(meanwhile);
        return Train(config with { OnBadSample = _ranks.Shared(() => OnBadSample(config, folder)) }, folder);
    }

    private RunResult Train(RunConfig config, RunFolder folder)
    {
        if (_ranks.Lead)
            folder.Begin(config);
        using var data = Opened(config);
        Engine.Seed(config.Seed);
        using var task = (config.Task ?? new ClassificationTask()).Begin(config, data);
        if (config.StartsFrom is { } earlier && _ranks.Lead) // the other ranks are given rank 0's weights
            foreach (string sentence in StartFrom(earlier, config, task))
                options.Say?.Invoke(sentence);
        task.Model.to(options.Device);
        if (options.Precision != ScalarType.Float32)
            task.Model.to(options.Precision);
        using var trainer = new Trainer(
            task.Model,
            task.Groups(config.Recipe),
            config.Recipe,
            data,
            task.Objective(config, options.Group),
            OptionsFor(config, folder)
        );
        trainer.Train(cancellation);
        return _ranks.Shared(config, () => Finish(config, folder, data, task, trainer))!;
    }

    private TrainingData Opened(RunConfig config)
    {
        var share = DataParallel.ShareOf(config.Recipe, options.Group);
        var reading = config.Data.Reading(config.OnBadSample);
        return InPrecision.Of(
            config,
            reading.Open(config.Recipe, config.Seed, options.Device, share),
            options.Precision
        );
    }

    private TrainerOptions OptionsFor(RunConfig config, RunFolder folder) =>
        new()
        {
            Seed = config.Seed,
            Device = options.Device,
            Accumulation = options.Accumulation,
            Group = options.Group,
            Folder = _ranks.Lead ? folder.Folder : null,
            Progress = options.Progress,
            AutoBatch = options.AutoBatch,
            ImageBytes =
                config.Task is not null ? 0
                : Devices.Lower(options.Device) is null ? config.Model.Cost().ActivationBytes
                : config.Model.Cost().AutocastActivationBytes,
            FlopsPerImage = config.FlopsPerImage,
            Peak = options.Peak,
            Say = options.Say,
            SaveEvery = options.SaveEvery,
            SaveSteps = options.SaveSteps,
        };

    // As many classes of other names are other classes: scores of the earlier ones are no start for them, so the head
    // stays as it was drawn.
    private IReadOnlyList<string> StartFrom(RunConfig earlier, RunConfig config, TaskRun task)
    {
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        bool others =
            earlier.Data is ImageDataConfig { Names: { } before }
            && config.Data is ImageDataConfig { Names: { } now }
            && before.Count == now.Count
            && !before.SequenceEqual(now, StringComparer.Ordinal);
        var head = others
            ? task
                .Backbone.named_parameters()
                .Where(entry => entry.name.StartsWith("head.", StringComparison.Ordinal))
                .Select(entry => (entry.parameter, Own: entry.parameter.clone()))
                .ToList()
            : [];
        var said = task.StartFrom(
            store,
            earlier,
            new CheckpointLoading { TransferPatchSize = config.TransferPatch, Words = s_startWords }
        );
        foreach (var (parameter, own) in head)
            parameter.copy_(own);
        return head.Count == 0 ? said : [.. said, $"the head is new: {earlier.Key} has as many classes of other names"];
    }

    private RunResult Finish(RunConfig config, RunFolder folder, TrainingData data, TaskRun task, Trainer trainer)
    {
        var speed = trainer.Speed; // before the test, whose memory is not training's
        var (test, scores) = TestPass.Evaluate(task, data, options, cancellation);
        cancellation.ThrowIfCancellationRequested(); // the test images end early, too
        RunFile.Put(folder.Weights, () => Safetensors.Write(folder.Weights, task.Model.state_dict()));
        var result = new RunResult(
            config.Key,
            config,
            test,
            folder.LastLosses(),
            trainer.Steps,
            trainer.Seconds,
            task.Model.parameters().Sum(parameter => parameter.numel()),
            Machine.Here(options.Device),
            Machine.Commit,
            DateTime.UtcNow,
            data.LeftOut,
            scores,
            speed,
            options.Precision
        );
        folder.Finish(result);
        return result;
    }

    // The precision is no part of the key, as experiments find their runs by it; results of two precisions are not
    // taken for each other all the same.
    private RunResult Checked(RunResult known)
    {
        if (known.Precision != options.Precision)
            throw Other($"was trained in {known.Precision}, but {options.Precision} was asked for");
        if (options.OnBadSample == BadSample.Stop && known.Config.OnBadSample == BadSample.Skip && known.LeftOut > 0)
            throw Other(
                $"left out {known.LeftOut:N0} {(known.LeftOut == 1 ? "file" : "files")} that could not be "
                    + "read (--on-bad-sample skip), but now stop was asked for"
            );
        return known;

        TrainingException Other(string sentence) =>
            new(
                $"run {known.Key} in {store.Folder} {sentence}; `patchkit runs delete {known.Key}` forgets it, or "
                    + "name another folder with --out."
            );
    }

    // What was asked for, or what an interrupted run was begun with.
    private BadSample OnBadSample(RunConfig config, RunFolder folder)
    {
        var begun = folder.HasState ? folder.Config?.OnBadSample : null;
        if (options.OnBadSample is not { } asked)
            return begun ?? config.OnBadSample;
        if (begun is { } before && before != asked)
            options.Say?.Invoke(
                $"run {config.Key} was begun with --on-bad-sample {before.ToString().ToLowerInvariant()} and goes on "
                    + $"with {asked.ToString().ToLowerInvariant()}"
            );
        return asked;
    }
}
