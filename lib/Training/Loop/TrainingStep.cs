using PatchKit.Data;
using PatchKit.Ops;
using PatchKit.Torch;
using PatchKit.Training.Recipes;
using PatchKit.Training.Tasks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace PatchKit.Training.Loop;

/// <summary>
/// One step of training: a batch, forward and backward in parts, clipping, the optimizer's and the average's update. A
/// step that is cut short, by cancellation or for lack of memory, leaves parameters and optimizer as they were.
/// </summary>
/// <param name="model">in training.</param>
/// <param name="groups">its parameters.</param>
/// <param name="recipe">how it is trained.</param>
/// <param name="objective">what is made smaller.</param>
/// <param name="options">how the recipe is carried out.</param>
/// <param name="optimizer">changes the parameters.</param>
/// <param name="average">follows them; null where the recipe keeps none.</param>
/// <param name="parallel">the ranks that train together; null for one.</param>
/// <param name="finite">says what is not finite.</param>
/// <param name="fetch">fetches the next batch while the device is at the gradients.</param>
internal sealed class TrainingStep(
    nn.Module model,
    IReadOnlyList<ParameterGroup> groups,
    Recipe recipe,
    IObjective objective,
    TrainerOptions options,
    AdamW optimizer,
    ModelEma? average,
    DataParallel? parallel,
    Finiteness finite,
    Action fetch
)
{
    private readonly ScalarType? _lower = options.Autocast ?? Devices.Lower(options.Device);

    /// <summary>The equal parts that a batch is taken in, one after the other.</summary>
    internal int Parts { get; set; } = options.Accumulation;

    /// <summary>Whether the weights are those of a step; false while they are changed, and if that failed.</summary>
    internal bool IsWhole { get; set; } = true;

    /// <summary>Takes a step; null where it was cancelled.</summary>
    /// <exception cref="TrainingException">The loss or the gradient is not finite.</exception>
    internal StepTaken? Try(Batch batch, long step, int epoch, double rate, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        Engine.Seed(
            unchecked((long)((ulong)options.Seed * 0x9E3779B97F4A7C15 + (ulong)step + (parallel?.OwnStream ?? 0)))
        );
        ParameterGroups.SetLearningRate(optimizer, groups, rate);
        optimizer.zero_grad();
        var here = batch.To(options.Device);
        if (Gradients(here, step, cancellation) is not var (parts, ofAllRanks))
            return null;
        // A GPU is waited for once in a step, here.
        double norm = GradientNorm.Clip(
            groups.SelectMany(group => group.Parameters),
            recipe.ClipNorm > 0 ? recipe.ClipNorm : double.PositiveInfinity
        );
        double loss = ofAllRanks ?? parts.Sum(part => part.ToScalar().ToDouble());
        if (!double.IsFinite(loss) || !double.IsFinite(norm))
            throw finite.OfStep(here, step, epoch, loss, norm, rate);
        IsWhole = false;
        optimizer.step();
        average?.Update(model);
        IsWhole = true;
        return new(loss, norm);
    }

    /// <summary>Forward and backward alone, to see whether they fit; their gradients are thrown away.</summary>
    internal void Rehearse(Batch batch, long step)
    {
        using var scope = NewDisposeScope();
        Backward(batch.To(options.Device), step, alone: true);
    }

    // The losses of the parts and, where several ranks train, of all of them; null where it was cancelled.
    private (List<Tensor> Parts, double? OfAllRanks)? Gradients(Batch batch, long step, CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested)
            return null;
        try
        {
            var parts = Backward(batch, step, alone: parallel is null);
            fetch();
            return (parts, parallel?.Finish());
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return null;
        }
    }

    // The parts' losses, each its share of the mean, still on the device.
    private List<Tensor> Backward(Batch batch, long step, bool alone)
    {
        var losses = new List<Tensor>();
        using var parts = objective.Losses(batch, step, Parts).GetEnumerator();
        while (true)
        {
            using var scope = NewDisposeScope();
            bool more;
            using (_lower is { } dtype ? Engine.Autocast(options.Device, dtype) : null)
                more = parts.MoveNext();
            if (!more)
                return losses;
            var loss = Parts == 1 ? parts.Current : parts.Current / Parts;
            losses.Add(loss.detach().MoveToOuterDisposeScope());
            if (!alone && losses.Count == Parts)
                parallel!.Arm(stack(losses).sum());
            Engine.Backward(loss);
        }
    }
}

/// <summary>What a step says of itself.</summary>
/// <param name="Loss">of the batch, before the step.</param>
/// <param name="GradientNorm">before clipping.</param>
internal readonly record struct StepTaken(double Loss, double GradientNorm);
