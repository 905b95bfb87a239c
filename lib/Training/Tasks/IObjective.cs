using PatchKit.Data;
using static TorchSharp.torch;

namespace PatchKit.Training.Tasks;

/// <summary>What training makes smaller.</summary>
public interface IObjective
{
    /// <summary>
    /// The mean losses of equal parts of a batch, each computed when it is asked for, so that a part's activations are
    /// gone before the next one's come.
    /// </summary>
    /// <param name="batch">the whole batch, on the model's device.</param>
    /// <param name="step">counted from 0; it seeds whatever is drawn for the batch.</param>
    /// <param name="parts">how many parts; it divides the batch.</param>
    IEnumerable<Tensor> Losses(Batch batch, long step, int parts);

    /// <summary>Where the numbers of the forward pass first stop being finite; null where they never do.</summary>
    string? FirstNonFinite(Batch batch);
}
