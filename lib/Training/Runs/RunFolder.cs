using System.Text.Json;
using PatchKit.Training.Loop;

namespace PatchKit.Training.Runs;

/// <summary>
/// The files of one run: config.json, metrics.jsonl, the trainer's state while it trains, and at the end result.json
/// and model.safetensors.
/// </summary>
/// <param name="path">the folder, which need not exist yet.</param>
internal sealed class RunFolder(string path)
{
    /// <summary>The folder.</summary>
    internal string Folder => path;

    /// <summary>The final weights.</summary>
    internal string Weights => At(RunStore.WeightsFile);

    /// <summary>The configuration; null where the folder has none.</summary>
    internal RunConfig? Config => RunFile.ReadJson<RunConfig>(At(ConfigFile));

    /// <summary>The result; null unless the run is finished.</summary>
    internal RunResult? Result => RunFile.ReadJson<RunResult>(At(ResultFile));

    /// <summary>Whether an interrupted training can go on.</summary>
    internal bool HasState => File.Exists(At(TrainerStateFile.FileName));

    private const string ConfigFile = "config.json",
        ResultFile = "result.json";

    /// <summary>Makes the folder.</summary>
    /// <exception cref="IOException">It cannot be made.</exception>
    internal void Make() => RunFile.Put(path, () => Directory.CreateDirectory(path));

    /// <summary>Writes the configuration, and removes what a process that ended left half-written.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    internal void Begin(RunConfig config)
    {
        foreach (string rest in Directory.EnumerateFiles(path, "*.partial"))
            File.Delete(rest);
        RunFile.WriteJson(At(ConfigFile), config);
    }

    /// <summary>Writes the result; the trainer's state has served.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    internal void Finish(RunResult result)
    {
        RunFile.WriteJson(At(ResultFile), result);
        File.Delete(At(TrainerStateFile.FileName));
    }

    /// <summary>How far the run came and what it takes; null where the folder holds none.</summary>
    internal StoredRun? Read()
    {
        if (Config is not { } config)
            return null;
        var result = Result;
        var status =
            result is not null ? RunStatus.Finished
            : HasState ? RunStatus.Interrupted
            : RunStatus.Begun;
        // one that is being written may be gone already
        var files = new DirectoryInfo(path).EnumerateFiles().Where(file => file.Exists);
        string key = Path.GetFileName(path);
        return new StoredRun(key, path, status, config, result, files.Sum(file => file.Length));
    }

    /// <summary>Keeps other processes out until it is disposed, or the process ends, however that may be.</summary>
    /// <exception cref="TrainingException">Another process is at the run.</exception>
    // The file stays: if it were deleted, one process could hold the old file and another a new one.
    internal FileStream Lock()
    {
        string file = At("lock");
        FileStream? held = null;
        RunFile.Put(
            file,
            () =>
            {
                try
                {
                    held = new FileStream(file, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None, bufferSize: 0);
                }
                catch (IOException e) when (e.HResult == SharingViolation)
                {
                    throw new TrainingException(
                        $"another process is at the run in {path}; wait until it is done, or name another "
                            + "folder with --out.",
                        e
                    );
                }
            }
        );
        return held!;
    }

    private const int SharingViolation = 11; // EAGAIN, what an advisory lock that is held gives

    /// <summary>Step and mean loss since the line before, in order; nothing before the first step.</summary>
    // The last line of a run that is being trained may not be whole yet.
    internal IReadOnlyList<(long Step, double Loss)> Curve() =>
        !File.Exists(At(MetricsLog.FileName))
            ? []
            :
            [
                .. from line in File.ReadLines(At(MetricsLog.FileName))
                where line.EndsWith('}')
                let entry = JsonElement.Parse(line)
                select (entry.GetProperty("step").GetInt64(), entry.GetProperty("loss").GetDouble()),
            ];

    /// <summary>The mean loss of the last twentieth of the curve.</summary>
    // A line of the metrics is the mean of the steps since the one before it.
    internal double LastLosses()
    {
        var curve = Curve();
        int from = curve.Count - Math.Max(1, curve.Count / 20);
        return Enumerable
                .Range(from, curve.Count - from)
                .Sum(line => curve[line].Loss * (curve[line].Step - Before(line))) / (curve[^1].Step - Before(from));

        long Before(int line) => line == 0 ? 0 : curve[line - 1].Step;
    }

    private string At(string file) => Path.Combine(path, file);
}
