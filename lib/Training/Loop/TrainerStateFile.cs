using System.Globalization;
using PatchKit.Checkpoints;
using PatchKit.Training.Recipes;
using PatchKit.Training.Runs;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace PatchKit.Training.Loop;

/// <summary>
/// A trainer's state in one safetensors file: model, optimizer, moving average and the place in the run. It is written
/// under a temporary name and renamed; messages call it the run's checkpoint.
/// </summary>
internal sealed class TrainerStateFile
{
    internal const string FileName = "checkpoint.safetensors";
    private readonly string _path;
    private readonly Dictionary<string, Tensor> _tensors = [];
    private readonly Dictionary<string, AdamW.State> _ages = [];

    internal TrainerStateFile(
        string path,
        nn.Module model,
        IReadOnlyList<ParameterGroup> groups,
        AdamW optimizer,
        ModelEma? average
    )
    {
        _path = path;
        foreach (var (name, value) in model.state_dict())
            _tensors[$"model.{name}"] = value;
        foreach (var (name, value) in average?.State ?? new Dictionary<string, Tensor>())
            _tensors[$"average.{name}"] = value;
        foreach (var (name, state) in groups.SelectMany(group => group.Names).Zip(optimizer.state_dict().State))
        {
            var own = (AdamW.State)state;
            (_tensors[$"optimizer.{name}.exp_avg"], _tensors[$"optimizer.{name}.exp_avg_sq"]) = (
                own.exp_avg,
                own.exp_avg_sq
            );
            _ages[name] = own;
        }
    }

    /// <summary>All tensors, in the same order on every rank.</summary>
    internal IReadOnlyCollection<Tensor> Tensors => _tensors.Values;

    /// <summary>The steps that the optimizer has made with each parameter.</summary>
    internal long[] Ages
    {
        get => [.. _ages.Values.Select(own => (long)own.step)];
        set
        {
            foreach (var (own, age) in _ages.Values.Zip(value))
                own.step = age;
        }
    }

    internal bool Exists => File.Exists(_path);

    /// <exception cref="IOException">The file cannot be written; the one before it is as it was.</exception>
    internal void Write(TrainerState state) =>
        RunFile.Put(
            _path,
            () =>
                Safetensors.Write(
                    _path,
                    _tensors,
                    new Dictionary<string, string>
                    {
                        ["step"] = Text(state.Step),
                        ["seconds"] = Text(state.Seconds),
                        ["recentLoss"] = Text(state.RecentLoss),
                        ["metricsBytes"] = Text(state.Log.Bytes),
                        ["metricsLoss"] = Text(state.Log.Loss),
                        ["metricsCount"] = Text(state.Log.Count),
                        ["optimizerSteps"] = string.Join(' ', _ages.Values.Select(own => own.step)),
                        ["accumulation"] = Text(state.Accumulation),
                    }
                )
        );

    /// <summary>Restores the tensors and gives back the rest; null where nothing was saved.</summary>
    /// <exception cref="CheckpointException">The file is damaged or of another run; nothing was changed.</exception>
    internal TrainerState? Load()
    {
        if (!Exists)
            return null;
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        using var file = Safetensors.Open(_path);
        var saved = file.StateDict("");
        foreach (var (name, value) in _tensors)
            if (
                !saved.TryGetValue(name, out var found)
                || !found.shape.SequenceEqual(value.shape)
                || found.dtype != value.dtype
            )
                throw new CheckpointException(
                    _path,
                    $"has no {name} of shape [{string.Join(", ", value.shape)}] in {value.dtype}; it is of "
                        + "another run or precision, so give this one a folder of its own."
                );
        var state = new TrainerState(
            (long)Number("step"),
            Number("seconds"),
            Number("recentLoss"),
            new MetricsMark((long)Number("metricsBytes"), Number("metricsLoss"), (int)Number("metricsCount")),
            file.Metadata.ContainsKey("accumulation") ? (int)Number("accumulation") : 1
        );
        string[] ages = Entry("optimizerSteps").Split(' ');
        if (ages.Length != _ages.Count)
            throw new CheckpointException(
                _path,
                $"has {ages.Length} optimizer states, but the model {_ages.Count}; it is of another run, so "
                    + "give this one a folder of its own."
            );
        foreach (var (name, value) in _tensors)
            value.copy_(saved[name]);
        foreach (var (own, age) in _ages.Values.Zip(ages))
            own.step = long.Parse(age, CultureInfo.InvariantCulture);
        return state;

        string Entry(string key) =>
            file.Metadata.TryGetValue(key, out string? text)
                ? text
                : throw new CheckpointException(_path, $"has no {key}; it is no checkpoint of a run.");

        double Number(string key) =>
            double.TryParse(Entry(key), NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
                ? number
                : throw new CheckpointException(
                    _path,
                    $"says {key} is \"{Entry(key)}\", which is no number; it is damaged, so delete it and train again."
                );
    }

    private static string Text(double number) => number.ToString("R", CultureInfo.InvariantCulture);
}
