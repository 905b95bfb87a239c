using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Torch.Distributed;

/// <summary>
/// Collectives on CPU tensors over Gloo. They run one after the other on a thread of the group's, so that a wait can be
/// given up, which Gloo's own cannot; that thread then stays inside the collective, with what it works on, until the
/// process ends.
/// </summary>
internal sealed unsafe partial class GlooGroup : ICollectives
{
    private readonly CancellationToken _lost;
    private readonly BlockingCollection<Collective> _queue = [];
    private readonly Thread _thread;
    private nint _group;

    /// <summary>Meets the other ranks.</summary>
    /// <param name="store">where they leave word for each other.</param>
    /// <param name="place">which of them this is.</param>
    /// <param name="address">this machine's, at which the others reach it; a network interface that GLOO_SOCKET_IFNAME
    /// names goes before it.</param>
    /// <param name="options">how long to wait.</param>
    /// <param name="lost">cancelled when a rank is gone: it ends all waits.</param>
    /// <exception cref="IOException">They did not all meet.</exception>
    internal GlooGroup(
        KeyValueStore store,
        RankPlace place,
        string address,
        ProcessGroupOptions options,
        CancellationToken lost
    )
    {
        _lost = lost;
        _thread = new Thread(Work) { IsBackground = true, Name = "collectives" };
        _thread.Start();
        try
        {
            Begin(() => _group = GlooRendezvous.Open(store, place, address, options)).Wait();
        }
        catch
        {
            _queue.CompleteAdding(); // the thread ends, if it can
            throw;
        }
    }

    /// <summary>Each element's sum, greatest or least over the ranks, in place.</summary>
    /// <exception cref="ArgumentException">The tensor is not on the CPU or not contiguous, or cannot be
    /// reduced.</exception>
    public Collective AllReduce(Tensor tensor, ReduceOp reduction)
    {
        var number = NumberOf(tensor.dtype);
        var (held, data, count) = (Held(tensor), Data(tensor), tensor.numel());
        return Begin(() =>
        {
            using (held)
                Gloo.Check(Gloo.pkg_all_reduce(_group, data, count, number, reduction), "all-reduce");
        });
    }

    /// <summary>One rank's tensor to all ranks, in place.</summary>
    /// <exception cref="ArgumentException">The tensor is not on the CPU, or not contiguous.</exception>
    public Collective Broadcast(Tensor tensor, int root)
    {
        var (held, data, bytes) = (Held(tensor), Data(tensor), Bytes(tensor));
        return Begin(() =>
        {
            using (held)
                Gloo.Check(Gloo.pkg_broadcast(_group, data, bytes, root), "broadcast");
        });
    }

    /// <summary>Every rank's tensor into another one, (ranks, shape of one).</summary>
    /// <exception cref="ArgumentException">A tensor is not on the CPU, or not contiguous.</exception>
    public Collective AllGather(Tensor tensor, Tensor all)
    {
        var (held, data, bytes, heldAll, allData) = (Held(tensor), Data(tensor), Bytes(tensor), Held(all), Data(all));
        return Begin(() =>
        {
            using (held)
            using (heldAll)
                Gloo.Check(Gloo.pkg_all_gather(_group, data, bytes, allData), "all-gather");
        });
    }

    /// <summary>Done when all ranks have come here.</summary>
    public Collective Barrier() => Begin(() => Gloo.Check(Gloo.pkg_barrier(_group), "barrier"));

    /// <summary>After a rank is gone: closes the connections, so that the others' collectives end, too.</summary>
    public void Abandon()
    {
        if (Volatile.Read(ref _group) is not 0 and var group)
            Gloo.pkg_abandon(group);
    }

    /// <summary>Leaves the group, with which all must be well: no collective is under way.</summary>
    public void Dispose()
    {
        _queue.CompleteAdding();
        _thread.Join();
        Gloo.pkg_close(_group);
    }

    private Collective Begin(Action work)
    {
        var collective = new Collective(work, _lost);
        _queue.Add(collective, CancellationToken.None);
        return collective;
    }

    private void Work()
    {
        foreach (var collective in _queue.GetConsumingEnumerable())
            collective.Run();
    }

    // A collective's own reference to a tensor's memory: the caller's may be disposed while the collective is given up.
    private static Tensor Held(Tensor tensor)
    {
        if (tensor.device_type != DeviceType.CPU)
            throw new ArgumentException(
                $"Gloo takes CPU tensors, but this one is on {tensor.device}; move it to the CPU."
            );
        if (!tensor.is_contiguous())
            throw new ArgumentException(
                "Gloo takes contiguous tensors, but this one has gaps or another order; call contiguous() first."
            );
        return tensor.detach().DetachFromDisposeScope();
    }

    private static long Bytes(Tensor tensor) => tensor.numel() * tensor.element_size();

    private static nint Data(Tensor tensor)
    {
        if (aoti_torch_get_data_ptr(tensor.Handle, out nint data) != 0)
            throw new InvalidOperationException("libtorch does not tell where a tensor's numbers are.");
        GC.KeepAlive(tensor);
        return data;
    }

    private static Gloo.Number NumberOf(ScalarType type) =>
        type switch
        {
            ScalarType.Float32 => Gloo.Number.Float32,
            ScalarType.Float64 => Gloo.Number.Float64,
            ScalarType.Float16 => Gloo.Number.Float16,
            ScalarType.Int32 => Gloo.Number.Int32,
            ScalarType.Int64 => Gloo.Number.Int64,
            _ => throw new ArgumentException(
                $"Gloo reduces float32, float64, float16, int32 and int64, but not {type}; convert the tensor first."
            ),
        };

    [LibraryImport(NativeLibraries.Torch)]
    private static partial int aoti_torch_get_data_ptr(nint tensor, out nint data);
}
