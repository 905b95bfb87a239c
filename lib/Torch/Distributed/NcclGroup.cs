using System.Runtime.InteropServices;
using PatchKit.Torch.Calls;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Torch.Distributed;

/// <summary>
/// Collectives on CUDA tensors over NCCL, in the order of libtorch's current stream: what is computed there next sees
/// the result, so that waiting takes no time of the CPU. The ranks meet through the key-value store.
/// </summary>
internal sealed unsafe class NcclGroup : ICollectives
{
    private const string IdKey = "nccl/id";
    private readonly int _device;
    private readonly CancellationToken _lost;
    private nint _group;

    /// <summary>Meets the other ranks.</summary>
    /// <exception cref="IOException">They did not all meet.</exception>
    internal NcclGroup(
        KeyValueStore store,
        RankPlace place,
        Device device,
        ProcessGroupOptions options,
        CancellationToken lost
    )
    {
        (_device, _lost) = (Math.Max(0, device.index), lost);
        CudaDriver.MakeCurrent(_device);
        Nccl.UniqueId id;
        if (place.Rank == 0)
        {
            Nccl.Check(Nccl.GetUniqueId(&id), "ncclGetUniqueId");
            store.Set(IdKey, new ReadOnlySpan<byte>(&id, sizeof(Nccl.UniqueId)));
        }
        else
        {
            store.Get(IdKey, options.Rendezvous).CopyTo(new Span<byte>(&id, sizeof(Nccl.UniqueId)));
        }
        nint group;
        Nccl.Check(Nccl.CommInitRank(&group, place.Ranks, id, place.Rank), "ncclCommInitRank");
        _group = group;
    }

    /// <inheritdoc/>
    public Collective AllReduce(Tensor tensor, ReduceOp reduction)
    {
        // ncclSum, ncclMax, ncclMin; product is 1
        int number = Nccl.NumberOf(tensor.dtype),
            op = reduction switch
            {
                ReduceOp.Sum => 0,
                ReduceOp.Max => 2,
                _ => 3,
            };
        return Begin(
            tensor,
            (data, stream) => Nccl.AllReduce(data, data, (nuint)tensor.numel(), number, op, _group, stream),
            "ncclAllReduce"
        );
    }

    /// <inheritdoc/>
    public Collective Broadcast(Tensor tensor, int root) =>
        Begin(
            tensor,
            (data, stream) => Nccl.Broadcast(data, data, (nuint)Bytes(tensor), 1, root, _group, stream),
            "ncclBroadcast"
        );

    /// <inheritdoc/>
    public Collective AllGather(Tensor tensor, Tensor all) =>
        Begin(
            tensor,
            (data, stream) => Nccl.AllGather(data, Data(all), (nuint)Bytes(tensor), 1, _group, stream),
            "ncclAllGather"
        );

    /// <summary>A number goes round and is waited for.</summary>
    public Collective Barrier()
    {
        var one = ones([1], ScalarType.Float32, new Device(DeviceType.CUDA, _device)).DetachFromDisposeScope();
        return AllReduce(one, ReduceOp.Sum)
            .Then(() =>
            {
                _ = one.item<float>();
                one.Dispose();
            });
    }

    /// <inheritdoc/>
    public void Abandon()
    {
        if (Interlocked.Exchange(ref _group, 0) is not 0 and var group)
            _ = Nccl.CommAbort(group);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _group, 0) is not 0 and var group)
            _ = Nccl.CommDestroy(group);
    }

    private delegate int Call(nint data, nint stream);

    private Collective Begin(Tensor tensor, Call call, string name)
    {
        if (tensor.device_type != DeviceType.CUDA || !tensor.is_contiguous())
            throw new ArgumentException(
                "NCCL takes contiguous CUDA tensors, but this one is "
                    + $"on {tensor.device}, {(tensor.is_contiguous() ? "" : "not ")}contiguous; move it, or "
                    + "call contiguous()."
            );
        var collective = new Collective(() => Nccl.Check(call(Data(tensor), CudaStream.Current(_device)), name), _lost);
        collective.Run();
        GC.KeepAlive(tensor);
        return collective;
    }

    private static nint Data(Tensor tensor) => new Operand(tensor).Data;

    private static long Bytes(Tensor tensor) => tensor.numel() * tensor.element_size();
}
