using static TorchSharp.torch;

namespace PatchKit.Torch.Distributed;

/// <summary>
/// What carries a group's collectives, which all ranks begin in one order. A collective changes its tensor in place, at
/// the latest when it was waited for.
/// </summary>
internal interface ICollectives : IDisposable
{
    /// <summary>Each element's sum, greatest or least over the ranks.</summary>
    /// <exception cref="ArgumentException">The tensor cannot be reduced here.</exception>
    Collective AllReduce(Tensor tensor, ReduceOp reduction);

    /// <summary>One rank's tensor to all ranks.</summary>
    Collective Broadcast(Tensor tensor, int root);

    /// <summary>Every rank's tensor into another one, (ranks, shape of one).</summary>
    Collective AllGather(Tensor tensor, Tensor all);

    /// <summary>Done when all ranks have come here.</summary>
    Collective Barrier();

    /// <summary>After a rank is gone: lets the others' collectives end, too.</summary>
    void Abandon();
}
