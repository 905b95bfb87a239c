using System.Text.Json;
using PatchKit.Checkpoints;
using PatchKit.Data.Sets;
using PatchKit.Models;
using PatchKit.Torch;
using PatchKit.Torch.Distributed;
using PatchKit.Training.Loop;
using PatchKit.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Training.Runs;

/// <summary>
/// The folder `runs`: one folder for each configuration, named by its key, with config.json, metrics.jsonl, the
/// checkpoint while it trains, and at the end result.json and model.safetensors. A finished run is never trained twice,
/// and an interrupted one goes on where it stopped.
/// </summary>
public sealed class RunStore
{
    /// <summary>The final weights of a run.</summary>
    public const string WeightsFile = "model.safetensors";

    private const string ConfigFile = "config.json",
        ResultFile = "result.json",
        LockFile = "lock",
        Backbone = "backbone.";

    /// <summary>The runs in a folder, which need not exist yet.</summary>
    /// <param name="folder">the folder; `runs` in the current one if null.</param>
    public RunStore(string? folder = null) => Folder = Path.GetFullPath(folder ?? "runs");

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>The folder of a run.</summary>
    public string FolderOf(RunConfig config) => Path.Combine(Folder, config.Key);

    /// <summary>The result of a run, if it is finished.</summary>
    public RunResult? Find(RunConfig config) => ReadResult(FolderOf(config));

    /// <summary>
    /// The result of a run: from the cache, or else by training it, from its checkpoint where it has one.
    /// </summary>
    /// <param name="config">the run.</param>
    /// <param name="options">how it is carried out.</param>
    /// <param name="cancellation">stops it after a checkpoint; the host's where none is given.</param>
    /// <exception cref="OperationCanceledException">It was cancelled; what was done is saved.</exception>
    /// <exception cref="TrainingException">Training failed, or another process is at the same run.</exception>
    /// <exception cref="IOException">A file cannot be written; the last checkpoint is as it was.</exception>
    /// <remarks>
    /// Where the options name a group, all of its ranks call this with the same run. Rank 0 alone reads and writes the
    /// folder, and scores the model; the others are told.
    /// </remarks>
    public RunResult Train(RunConfig config, RunOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new();
        cancellation = Cancellation.OrHost(cancellation);
        if (options.Group is not { } group)
            return TrainOne(config, options, cancellation);
        using var stopped = CancellationTokenSource.CreateLinkedTokenSource(cancellation, group.Lost);
        try
        {
            return TrainOne(config, options, stopped.Token);
        }
        catch (Exception e)
            when (e is RankLostException
                || (
                    e is OperationCanceledException
                    && group.Failure is not null
                    && !cancellation.IsCancellationRequested
                )
            )
        {
            throw new RankLostException(
                $"{(group.Failure ?? e.Message).TrimEnd('.')}. Start all ranks again with the same command, "
                    + $"and {config} goes on from its last checkpoint",
                e
            );
        }
        catch (Exception e)
        {
            group.Fail(e is OperationCanceledException ? "it was asked to" : e.Message);
            throw;
        }
    }

    private RunResult TrainOne(RunConfig config, RunOptions options, CancellationToken cancellation)
    {
        bool leads = options.Group is null or { Leads: true };
        if (Shared(options.Group, config, () => Find(config), cancellation) is { } known)
            return Same(known, options);
        if (config.StartsFrom is { } earlier)
            TrainOne(earlier, options, cancellation);
        if (options.Group is { } group)
            DataParallel.Check(config.Recipe, group.Size, options.Accumulation);
        string folder = FolderOf(config);
        if (leads)
            RunFile.Put(folder, () => Directory.CreateDirectory(folder));
        using var alone = leads ? Lock(folder) : null;
        if (Shared(options.Group, config, () => ReadResult(folder), cancellation) is { } meanwhile)
            return Same(meanwhile, options);
        config = config with { OnBadSample = Policy(config, folder, options, cancellation) };
        if (leads)
        {
            foreach (string rest in Directory.EnumerateFiles(folder, "*.partial"))
                File.Delete(rest);
            WriteJson(Path.Combine(folder, ConfigFile), config);
        }

        using var opened = InPrecision.Of(
            config,
            config
                .Data.Reading(config.OnBadSample)
                .Open(config.Recipe, config.Seed, options.Device, DataParallel.ShareOf(config.Recipe, options.Group)),
            options.Precision
        );
        Engine.Seed(config.Seed);
        using var task = (config.Task ?? new ClassificationTask()).Begin(config, opened);
        if (config.StartsFrom is { } start && leads) // the other ranks are given rank 0's weights
            foreach (string sentence in Start(task, start, config))
                options.Say?.Invoke(sentence);
        task.Model.to(options.Device);
        if (options.Precision != ScalarType.Float32)
            task.Model.to(options.Precision);
        using var trainer = new Trainer(
            task.Model,
            task.Groups(config.Recipe),
            config.Recipe,
            opened,
            task.Objective(config, options.Group),
            new TrainerOptions
            {
                Seed = config.Seed,
                Device = options.Device,
                Accumulation = options.Accumulation,
                Group = options.Group,
                Folder = leads ? folder : null,
                Progress = options.Progress,
                AutoBatch = options.AutoBatch,
                ImageBytes =
                    config.Task is not null ? 0
                    : Devices.Lower(options.Device) is null ? config.Model.Cost().ActivationBytes
                    : config.Model.Cost().AutocastActivationBytes,
                FlopsPerImage = config.FlopsPerImage,
                Peak = options.Peak,
                Say = options.Say,
                CheckpointEvery = options.CheckpointEvery,
                CheckpointSteps = options.CheckpointSteps,
            }
        );
        trainer.Train(cancellation);
        return Shared(
            options.Group,
            config,
            () => Finish(config, options, opened, task, trainer, cancellation),
            cancellation
        )!;
    }

    // As many classes of other names are other classes: scores of the earlier ones are no start for them, so the head
    // stays as it was drawn.
    private IReadOnlyList<string> Start(TaskRun task, RunConfig earlier, RunConfig config)
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
            this,
            earlier,
            new CheckpointLoading { TransferPatchSize = config.TransferPatch, Words = StartWords }
        );
        foreach (var (parameter, own) in head)
            parameter.copy_(own);
        return head.Count == 0 ? said : [.. said, $"the head is new: {earlier.Key} has as many classes of other names"];
    }

    private RunResult Finish(
        RunConfig config,
        RunOptions options,
        TrainingData opened,
        TaskRun task,
        Trainer trainer,
        CancellationToken cancellation
    )
    {
        string folder = FolderOf(config);
        var speed = trainer.Speed; // before the test, whose memory is not training's
        var (test, scores) = TestPass.Evaluate(task, opened, options, cancellation);
        cancellation.ThrowIfCancellationRequested(); // the test images end early, too
        string weights = Path.Combine(folder, WeightsFile);
        RunFile.Put(weights, () => Safetensors.Write(weights, task.Model.state_dict()));
        var result = new RunResult(
            config.Key,
            config,
            test,
            LastLosses(folder),
            trainer.Steps,
            trainer.Seconds,
            task.Model.parameters().Sum(parameter => parameter.numel()),
            Machine.Here(options.Device),
            Machine.Commit,
            DateTime.UtcNow,
            opened.LeftOut,
            scores,
            speed,
            options.Precision
        );
        WriteJson(Path.Combine(folder, ResultFile), result);
        File.Delete(Path.Combine(folder, TrainerCheckpoint.FileName));
        return result;
    }

    // The precision is no part of the key, as experiments find their runs by it; results of two precisions are not
    // taken for each other all the same.
    private RunResult Same(RunResult known, RunOptions options)
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
                $"run {known.Key} in {Folder} {sentence}; `patchkit runs delete {known.Key}` forgets it, or "
                    + "name another folder with --out."
            );
    }

    // What was asked for, or what an interrupted run was begun with; rank 0's on all ranks.
    private static BadSample Policy(RunConfig config, string folder, RunOptions options, CancellationToken cancellation)
    {
        return options.Group is { } group ? Enum.Parse<BadSample>(group.Share(() => $"{Own()}", cancellation)) : Own();

        BadSample Own()
        {
            var begun = File.Exists(Path.Combine(folder, TrainerCheckpoint.FileName))
                ? ReadJson<RunConfig>(Path.Combine(folder, ConfigFile))?.OnBadSample
                : null;
            if (options.OnBadSample is not { } asked)
                return begun ?? config.OnBadSample;
            if (begun is { } before && before != asked)
                options.Say?.Invoke(
                    $"run {config.Key} was begun with "
                        + $"--on-bad-sample {before.ToString().ToLowerInvariant()} and goes on "
                        + $"with {asked.ToString().ToLowerInvariant()}"
                );
            return asked;
        }
    }

    private static readonly LoadingWords StartWords = new(
        Transfer: "give --transfer-patch to resize the patch embedding (TransferPatch of a RunConfig), or train at "
            + "the earlier run's patch size",
        Model: "start from a run of the same model"
    );

    // Rank 0's answer on all ranks, so that they go the same way; with the run's key, so that ranks that were not
    // started alike find out.
    private static RunResult? Shared(
        ProcessGroup? group,
        RunConfig config,
        Func<RunResult?> answer,
        CancellationToken cancellation
    )
    {
        if (group is null)
            return answer();
        string[] said = group
            .Share(() => $"{config.Key}\n{JsonSerializer.Serialize(answer(), RunConfig.Json)}", cancellation)
            .Split('\n', 2);
        if (said[0] != config.Key)
            throw new TrainingException(
                $"rank {group.Rank} is to train run {config.Key}, {config}, but rank 0 run {said[0]}; start "
                    + "all ranks with the same command and the same data."
            );
        return JsonSerializer.Deserialize<RunResult?>(said[1], RunConfig.Json);
    }

    /// <summary>
    /// Loads the final weights of a finished run into a model, which may have another input size or other classes, or
    /// none. Of a run of another task the backbone's are taken.
    /// </summary>
    /// <exception cref="CheckpointException">The run has no weights, or they do not fit.</exception>
    /// <param name="config">the finished run.</param>
    /// <param name="model">the model.</param>
    /// <param name="loading">what may be changed so that they fit.</param>
    public LoadReport LoadWeights(RunConfig config, Backbone model, CheckpointLoading? loading = null)
    {
        string path = Path.Combine(FolderOf(config), WeightsFile);
        using var scope = NewDisposeScope();
        return ModelCheckpoint.Load(model, OfBackbone(Safetensors.Read(path)), loading, path);
    }

    /// <summary>
    /// The name of a parameter within the backbone, where it is the backbone's; its own name where not.
    /// </summary>
    internal static string WithoutBackbone(string name) =>
        name.StartsWith(Backbone, StringComparison.Ordinal) ? name[Backbone.Length..] : name;

    private static IReadOnlyDictionary<string, Tensor> OfBackbone(IReadOnlyDictionary<string, Tensor> tensors) =>
        !tensors.Keys.Any(name => name.StartsWith(Backbone, StringComparison.Ordinal))
            ? tensors
            : tensors
                .Where(entry => entry.Key.StartsWith(Backbone, StringComparison.Ordinal))
                .ToDictionary(entry => WithoutBackbone(entry.Key), entry => entry.Value);

    /// <summary>The training curve of a run: step and mean loss, in order; nothing before its first step.</summary>
    public IReadOnlyList<(long Step, double Loss)> Curve(string key) => ReadCurve(Path.Combine(Folder, key));

    /// <summary>All runs, the newest first.</summary>
    public IReadOnlyList<StoredRun> List() =>
        !Directory.Exists(Folder)
            ? []
            :
            [
                .. from path in Directory.EnumerateDirectories(Folder)
                let run = Read(path)
                where run is not null
                orderby run.Result?.Date ?? Directory.GetLastWriteTimeUtc(path) descending
                select run,
            ];

    /// <summary>The one run whose key begins so.</summary>
    /// <exception cref="ArgumentException">There is none, or more than one.</exception>
    public StoredRun Get(string keyStart) =>
        List().Where(run => run.Key.StartsWith(keyStart, StringComparison.Ordinal)).ToList() switch
        {
            [var only] => only,
            [] => throw new ArgumentException(
                $"no run in {Folder} has a key that begins with \"{keyStart}\"; `patchkit runs` lists them."
            ),
            var several => throw new ArgumentException(
                $"{several.Count} runs have keys that begin with \"{keyStart}\" "
                    + $"({string.Join(", ", several.Take(3).Select(run => run.Key))}); give more of it."
            ),
        };

    /// <summary>Deletes a run's files.</summary>
    /// <exception cref="TrainingException">It is being trained.</exception>
    public void Delete(StoredRun run)
    {
        using var alone = Lock(run.Folder);
        Directory.Delete(run.Folder, recursive: true);
    }

    /// <summary>Writes a value as JSON under a temporary name and renames it.</summary>
    /// <exception cref="IOException">The disk is full, or the place may not be written to; a file that was there is as
    /// it was.</exception>
    public static void WriteJson<T>(string path, T value) =>
        RunFile.Put(
            path,
            () =>
            {
                string partial = $"{path}.{Guid.NewGuid():N}.partial";
                try
                {
                    using (
                        var stream = new FileStream(
                            partial,
                            FileMode.CreateNew,
                            FileAccess.Write,
                            FileShare.None,
                            bufferSize: 0
                        )
                    )
                    {
                        stream.Write(JsonSerializer.SerializeToUtf8Bytes(value, RunConfig.Json));
                        stream.Flush(flushToDisk: true);
                    }
                    File.Move(partial, path, overwrite: true);
                }
                finally
                {
                    if (File.Exists(partial))
                        File.Delete(partial);
                }
            }
        );

    // Held until disposed, or until the process ends, however that may be. The file stays: if it were deleted, one
    // process could hold the old file and another a new one.
    private static FileStream Lock(string folder)
    {
        string path = Path.Combine(folder, LockFile);
        FileStream? held = null;
        RunFile.Put(
            path,
            () =>
            {
                try
                {
                    held = new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None, bufferSize: 0);
                }
                catch (IOException e) when (e.HResult == SharingViolation)
                {
                    throw new TrainingException(
                        $"another process is at the run in {folder}; wait until it is done, or name another "
                            + "folder with --out.",
                        e
                    );
                }
            }
        );
        return held!;
    }

    private const int SharingViolation = 11; // EAGAIN, what an advisory lock that is held gives

    private static StoredRun? Read(string folder)
    {
        if (ReadJson<RunConfig>(Path.Combine(folder, ConfigFile)) is not { } config)
            return null;
        var result = ReadResult(folder);
        var status =
            result is not null ? RunStatus.Finished
            : File.Exists(Path.Combine(folder, TrainerCheckpoint.FileName)) ? RunStatus.Interrupted
            : RunStatus.Begun;
        // one that is being written may be gone already
        var files = new DirectoryInfo(folder).EnumerateFiles().Where(file => file.Exists);
        return new StoredRun(Path.GetFileName(folder), folder, status, config, result, files.Sum(file => file.Length));
    }

    private static RunResult? ReadResult(string folder) => ReadJson<RunResult>(Path.Combine(folder, ResultFile));

    // A file that was damaged is as good as none: the run is made again.
    private static T? ReadJson<T>(string path)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize<T>(File.ReadAllBytes(path), RunConfig.Json);
        }
        catch (Exception e)
            when (e is JsonException or NotSupportedException or FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    // The last line of a run that is being trained may not be whole yet.
    private static IReadOnlyList<(long Step, double Loss)> ReadCurve(string folder) =>
        Path.Combine(folder, MetricsLog.FileName) is var path && !File.Exists(path)
            ? []
            :
            [
                .. from line in File.ReadLines(path)
                where line.EndsWith('}')
                let entry = JsonElement.Parse(line)
                select (entry.GetProperty("step").GetInt64(), entry.GetProperty("loss").GetDouble()),
            ];

    // A line of the metrics is the mean of the steps since the one before it.
    private static double LastLosses(string folder)
    {
        var curve = ReadCurve(folder);
        int from = curve.Count - Math.Max(1, curve.Count / 20);
        return Enumerable
                .Range(from, curve.Count - from)
                .Sum(line => curve[line].Loss * (curve[line].Step - Before(line))) / (curve[^1].Step - Before(from));

        long Before(int line) => line == 0 ? 0 : curve[line - 1].Step;
    }
}
