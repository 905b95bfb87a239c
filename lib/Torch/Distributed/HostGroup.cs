using static TorchSharp.torch;

namespace PatchKit.Torch.Distributed;

/// <summary>
/// Collectives on any device by those of CPU tensors: a copy goes out and its result comes back when it is waited for.
/// </summary>
/// <param name="host">carries the copies.</param>
internal sealed class HostGroup(ICollectives host) : ICollectives
{
    /// <inheritdoc/>
    public Collective AllReduce(Tensor tensor, ReduceOp reduction)
    {
        // Gloo has no bfloat16; float32 holds all its numbers, and the sum is rounded once.
        var copy = Copy(tensor, tensor.dtype == ScalarType.BFloat16 ? ScalarType.Float32 : tensor.dtype);
        return host.AllReduce(copy, reduction).Then(() => PutBack(copy, tensor));
    }

    /// <inheritdoc/>
    public Collective Broadcast(Tensor tensor, int root)
    {
        var copy = Copy(tensor, tensor.dtype);
        return host.Broadcast(copy, root).Then(() => PutBack(copy, tensor));
    }

    /// <inheritdoc/>
    public Collective AllGather(Tensor tensor, Tensor all)
    {
        var (copy, copies) = (Copy(tensor, tensor.dtype), empty(all.shape, all.dtype).DetachFromDisposeScope());
        return host.AllGather(copy, copies)
            .Then(() =>
            {
                copy.Dispose();
                PutBack(copies, all);
            });
    }

    /// <inheritdoc/>
    public Collective Barrier() => host.Barrier();

    /// <inheritdoc/>
    public void Abandon() => host.Abandon();

    /// <inheritdoc/>
    public void Dispose() => host.Dispose();

    private static Tensor Copy(Tensor tensor, ScalarType type)
    {
        using var recording = no_grad();
        using var scope = NewDisposeScope();
        return tensor.detach().to(type, CPU, copy: true).contiguous().DetachFromDisposeScope();
    }

    private static void PutBack(Tensor copy, Tensor tensor)
    {
        using var recording = no_grad();
        using var scope = NewDisposeScope();
        tensor.detach().copy_(copy);
        copy.Dispose();
    }
}
