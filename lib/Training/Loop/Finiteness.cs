using System.Globalization;
using PatchKit.Data;
using PatchKit.Torch;
using PatchKit.Training.Recipes;
using PatchKit.Training.Tasks;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace PatchKit.Training.Loop;

/// <summary>Finds what stopped being a finite number, and says so in a sentence.</summary>
/// <param name="groups">the parameters.</param>
/// <param name="objective">what is made smaller; it knows the forward pass.</param>
/// <param name="seed">the run's.</param>
/// <param name="saved">where training could go on from; null where nothing is kept.</param>
/// <param name="folder">where that is.</param>
internal sealed class Finiteness(
    IReadOnlyList<ParameterGroup> groups,
    IObjective objective,
    long seed,
    TrainerStateFile? saved,
    string? folder
)
{
    /// <summary>Refuses weights that nobody could go on from.</summary>
    /// <exception cref="TrainingException">A weight is not finite.</exception>
    internal void CheckWeights(long step)
    {
        if (First(parameter => parameter) is { } weight)
            throw Failed($"the weights {weight} are not finite after step {step} (batch seed {seed}/{step})");
    }

    /// <summary>Where a step's loss or gradient stopped being finite.</summary>
    internal TrainingException OfStep(Batch batch, long step, int epoch, double loss, double norm, double rate)
    {
        string what = double.IsFinite(loss) ? $"the gradient's norm is {norm}" : $"the loss is {loss}";
        string where =
            First(parameter => parameter) is { } weight ? $"the weights {weight} are not finite any more"
            : FirstLayer(batch) is { } layer ? $"the forward pass stops being finite at {layer}"
            : First(parameter => parameter.grad) is { } last
                ? $"the forward pass is finite, but the gradient of {last} is not"
            : "forward pass and gradients are finite when computed again";
        return Failed(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{what} at step {step} (epoch {epoch}, batch seed {seed}/{step}, learning rate {rate:G3}): {where}"
            )
        );
    }

    private string? FirstLayer(Batch batch)
    {
        try
        {
            return objective.FirstNonFinite(batch);
        }
        catch (Exception e) when (Engine.IsOutOfMemory(e))
        {
            return "a layer that there was not enough memory left to look for";
        }
    }

    // The first parameter of which something is not finite.
    private string? First(Func<Parameter, Tensor?> part)
    {
        foreach (var (name, parameter) in groups.SelectMany(group => group.Names.Zip(group.Parameters)))
        {
            using var scope = NewDisposeScope();
            if (part(parameter) is { } values && !values.isfinite().all().item<bool>())
                return name;
        }
        return null;
    }

    private TrainingException Failed(string what)
    {
        string last = saved is { Exists: true } ? $" The last checkpoint, in {folder}, is from before." : "";
        return new($"{what}. Lower baseLearningRate, or set clipNorm=1.{last}");
    }
}
