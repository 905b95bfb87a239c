using PatchKit.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Training.Loop;

/// <summary>
/// The exponential moving average of a model's parameters and buffers, e = d e + (1 - d) p after each step, without a
/// warm-up (timm 0.4.12's ModelEma). The official runs keep one with d = 0.99996 and never evaluate it: at batch 1024
/// it looks back 20 epochs.
/// </summary>
public sealed class ModelEma : IDisposable
{
    private readonly Dictionary<string, Tensor> _average;

    /// <summary>An average that starts at the model's values.</summary>
    /// <param name="model">on its device already.</param>
    /// <param name="decay">d, from 0 up to, but not, 1.</param>
    /// <exception cref="ArgumentException">The decay is out of range.</exception>
    public ModelEma(nn.Module model, double decay = 0.99996)
    {
        if (!(decay is >= 0 and < 1))
            throw new ArgumentException(
                $"a moving average with decay {decay} does not follow the model; use a value from 0 up to, "
                    + "but not, 1, such as 0.99996."
            );
        Decay = decay;
        using var recording = no_grad();
        _average = model
            .state_dict()
            .ToDictionary(entry => entry.Key, entry => entry.Value.detach().clone().DetachFromDisposeScope());
    }

    /// <summary>d.</summary>
    public double Decay { get; }

    /// <summary>The averages by the model's names: the live tensors, for a checkpoint or for load_state_dict.</summary>
    public IReadOnlyDictionary<string, Tensor> State => _average;

    /// <summary>Takes in the model's values after a step.</summary>
    /// <param name="model">the model it was made for.</param>
    public void Update(nn.Module model)
    {
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        var moving = new List<(Tensor Average, Tensor Value)>();
        foreach (var (name, value) in model.state_dict())
            if (value.is_floating_point())
                moving.Add((Of(name), value.detach()));
            else
                Of(name).copy_(value);
        Foreach.Lerp([.. moving.Select(pair => pair.Average)], [.. moving.Select(pair => pair.Value)], 1 - Decay);
    }

    /// <summary>Writes the averages into a model, to evaluate it.</summary>
    /// <param name="model">the model, or another of its kind.</param>
    public void CopyTo(nn.Module model)
    {
        using var recording = no_grad();
        foreach (var (name, value) in model.state_dict())
            value.copy_(Of(name));
    }

    /// <summary>Continues from saved averages.</summary>
    /// <param name="state">as <see cref="State"/> gave them.</param>
    /// <exception cref="ArgumentException">A name is missing.</exception>
    public void Load(IReadOnlyDictionary<string, Tensor> state)
    {
        using var recording = no_grad();
        foreach (var (name, value) in _average)
            value.copy_(
                state.TryGetValue(name, out var saved)
                    ? saved
                    : throw new ArgumentException(
                        $"the saved average has no \"{name}\"; it is of another model, so load one that was "
                            + "saved with this model."
                    )
            );
    }

    private Tensor Of(string name) =>
        _average.TryGetValue(name, out var average)
            ? average
            : throw new ArgumentException(
                $"the moving average has no \"{name}\"; it was made for another model, so make one for this."
            );

    /// <summary>Frees the averages.</summary>
    public void Dispose()
    {
        foreach (var value in _average.Values)
            value.Dispose();
    }
}
