using PatchKit.Checkpoints;
using PatchKit.Models;
using PatchKit.Torch.Distributed;
using PatchKit.Training.Loop;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Training.Runs;

/// <summary>
/// The folder `runs`: one folder for each configuration, named by its key (<see cref="RunFolder"/>). A finished run is
/// never trained twice, and an interrupted one goes on where it stopped.
/// </summary>
public sealed class RunStore
{
    /// <summary>The final weights of a run.</summary>
    public const string WeightsFile = "model.safetensors";

    private const string Backbone = "backbone.";

    /// <summary>The runs in a folder, which need not exist yet.</summary>
    /// <param name="folder">the folder; `runs` in the current one if null.</param>
    public RunStore(string? folder = null) => Folder = Path.GetFullPath(folder ?? "runs");

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>The folder of a run.</summary>
    public string FolderOf(RunConfig config) => Path.Combine(Folder, config.Key);

    /// <summary>The result of a run, if it is finished.</summary>
    public RunResult? Find(RunConfig config) => new RunFolder(FolderOf(config)).Result;

    /// <summary>
    /// The result of a run: from the cache, or else by training it, from where it stopped if it was interrupted.
    /// </summary>
    /// <param name="config">the run.</param>
    /// <param name="options">how it is carried out.</param>
    /// <param name="cancellation">stops it, which is saved; the host's where none is given.</param>
    /// <exception cref="OperationCanceledException">It was cancelled; what was done is saved.</exception>
    /// <exception cref="TrainingException">Training failed, or another process is at the same run.</exception>
    /// <exception cref="IOException">A file cannot be written; the last saved state is as it was.</exception>
    /// <remarks>
    /// Where the options name a group, all of its ranks call this with the same run. Rank 0 alone reads and writes the
    /// folder, and scores the model; the others are told.
    /// </remarks>
    public RunResult Train(RunConfig config, RunOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new();
        cancellation = Cancellation.OrHost(cancellation);
        return options.Group is { } group ? RunRanks.Together(group, config, Here, cancellation) : Here(cancellation);

        RunResult Here(CancellationToken stopped) => new RunTraining(this, options, stopped).Train(config);
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
    public IReadOnlyList<(long Step, double Loss)> Curve(string key) =>
        new RunFolder(Path.Combine(Folder, key)).Curve();

    /// <summary>All runs, the newest first.</summary>
    public IReadOnlyList<StoredRun> List() =>
        !Directory.Exists(Folder)
            ? []
            :
            [
                .. from path in Directory.EnumerateDirectories(Folder)
                let run = new RunFolder(path).Read()
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
        using var alone = new RunFolder(run.Folder).Lock();
        Directory.Delete(run.Folder, recursive: true);
    }
}
