using PatchKit.Data;
using PatchKit.Training.Tasks;
using static TorchSharp.torch;

namespace PatchKit.Tests.Training.Loop;

/// <summary>An objective of which something is done to a batch first.</summary>
internal sealed class ChangedObjective(IObjective objective, Action<Batch, long> first) : IObjective
{
    public IEnumerable<Tensor> Losses(Batch batch, long step, int parts)
    {
        first(batch, step);
        return objective.Losses(batch, step, parts);
    }

    public string? FirstNonFinite(Batch batch) => objective.FirstNonFinite(batch);
}
