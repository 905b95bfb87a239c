using System.Diagnostics;
using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit;

/// <summary>
/// Several processes that compute together: collectives over Gloo (CPU) or NCCL (CUDA), which all ranks call in one order, and a watch that turns a rank that is gone into a
/// <see cref="RankLostException"/> on the others, where a collective alone would wait. One thread uses a group.
/// </summary>
public sealed class ProcessGroup : IDisposable
{
    private static readonly TimeSpan Parting = TimeSpan.FromSeconds(10), PartingAfterFailure = TimeSpan.FromSeconds(3);
    private readonly nint _store, _groupStore, _group;
    private readonly RankWatch _watch;
    private readonly CancellationTokenSource _lost = new();
    private long _shared;
    private bool _disposed, _together, _failed;

    private ProcessGroup(RankPlace place, Device device, ProcessGroupOptions options)
    {
        (Rank, Size, Device) = (place.Rank, place.Ranks, device);
        var backend = device.type == DeviceType.CUDA ? CollectiveBackends.Nccl : CollectiveBackends.Gloo;
        nint watched;
        try
        {
            _store = Collectives.OpenStore(place.Host, place.Port, place.Ranks, serve: place.Rank == 0, wait: true, options.Rendezvous);
            _groupStore = Collectives.OpenStore(place.Host, place.Port, place.Ranks, serve: false, wait: false, options.Rendezvous);
            _group = Collectives.OpenGroup(_groupStore, place.Rank, place.Ranks, backend, options.Collective);
            watched = Collectives.OpenStore(place.Host, place.Port, place.Ranks, serve: false, wait: false, options.Rendezvous);
        }
        catch (System.Runtime.InteropServices.ExternalException e)
        {
            foreach (nint store in new[] { _groupStore, _store }.Where(store => store != 0)) Collectives.CloseStore(store);
            throw new RankLostException($"rank {place.Rank} waited for {place.Ranks} ranks at {place.Host}:{place.Port}, but they did not all meet ({e.Message.TrimEnd('.')}); start as many processes as WORLD_SIZE says, with one MASTER_ADDR and one free MASTER_PORT "
                + "(under Slurm by srun), or train in one process without those variables.", e);
        }
        _watch = new RankWatch(place, watched, options.Silence, Abandon, unstoppable: device.type == DeviceType.CUDA);
    }

    /// <summary>What this build can carry collectives with.</summary>
    public static CollectiveBackends Backends => Collectives.Backends;

    /// <summary>Why there are no backends, as a sentence; empty where there are.</summary>
    public static string Absence => Backends == CollectiveBackends.None ? Collectives.Absence : "";

    /// <summary>This process's number, from 0.</summary>
    public int Rank { get; }

    /// <summary>How many processes there are.</summary>
    public int Size { get; }

    /// <summary>Whether this is rank 0, which alone writes files and speaks.</summary>
    public bool Leads => Rank == 0;

    /// <summary>Where the tensors of collectives are.</summary>
    public Device Device { get; }

    /// <summary>Why the group cannot go on; null while it can.</summary>
    public string? Failure => _watch.Failure;

    /// <summary>Cancelled when a rank is gone or has failed.</summary>
    public CancellationToken Lost => _lost.Token;

    /// <summary>Meets the other processes; waits until all have come.</summary>
    /// <param name="place">which of them this one is.</param>
    /// <param name="device">where tensors will be: a CPU takes Gloo, a GPU NCCL.</param>
    /// <param name="options">how long to wait.</param>
    /// <exception cref="NotSupportedException">This build has no collectives for the device.</exception>
    /// <exception cref="RankLostException">Not all ranks came in time.</exception>
    public static ProcessGroup Join(RankPlace place, Device device, ProcessGroupOptions? options = null)
    {
        var wanted = device.type == DeviceType.CUDA ? CollectiveBackends.Nccl : CollectiveBackends.Gloo;
        if (!Backends.HasFlag(wanted))
            throw new NotSupportedException($"{place.Ranks} processes are to train together on {device}, which takes {wanted}, but this build has {Backends}: {(Absence.Length > 0 ? Absence : "install its headers and run environment/setup.sh.")}");
        return new ProcessGroup(place, device, options ?? new());
    }

    /// <summary>Sums, or takes the greatest or least of, each element over the ranks, in place.</summary>
    public void AllReduce(Tensor tensor, ReduceOp reduction = ReduceOp.Sum) => Guarded(() => Collectives.AllReduce(_group, tensor, reduction));

    /// <summary>Gives all ranks one rank's tensor, in place.</summary>
    public void Broadcast(Tensor tensor, int root = 0) => Guarded(() => Collectives.Broadcast(_group, tensor, root));

    /// <summary>Every rank's tensor, in the order of ranks.</summary>
    public Tensor[] AllGather(Tensor tensor)
    {
        Tensor[] results = [.. Enumerable.Range(0, Size).Select(_ => empty_like(tensor))];
        Guarded(() => Collectives.AllGather(_group, tensor, results));
        return results;
    }

    /// <summary>Waits until all ranks are here.</summary>
    public void Barrier() => Guarded(() => Collectives.Barrier(_group));

    /// <summary>Averages gradients over the ranks during the backward pass.</summary>
    /// <param name="parameters">all that take gradients, in the same order on every rank.</param>
    /// <param name="bucketBytes">how much goes out at once, at least; a larger parameter goes alone.</param>
    public GradientSync Gradients(IReadOnlyList<Tensor> parameters, long bucketBytes = 25 << 20) => new(this, Collectives.OpenGradients(_group, parameters, bucketBytes));

    /// <summary>Rank 0's text, on all ranks. Waiting for it takes no turn of the device, so rank 0 may take its time.</summary>
    /// <param name="text">computes it; called by rank 0 alone.</param>
    /// <param name="cancellation">ends the wait of the others.</param>
    /// <exception cref="RankLostException">A rank is gone.</exception>
    public string Share(Func<string> text, CancellationToken cancellation = default)
    {
        string key = $"share/{_shared++}";
        if (Leads)
        {
            string own = text();
            Guarded(() => Collectives.StoreSet(_store, key, Encoding.UTF8.GetBytes(own)));
            return own;
        }
        string shared = "";
        Guarded(() =>
        {
            for (int asked = 0; !Collectives.StoreHas(_store, key); asked++)
            {
                if (Failure is { } failure) throw new RankLostException(failure);
                cancellation.ThrowIfCancellationRequested();
                Thread.Sleep(asked < 100 ? 5 : 100);
            }
            shared = Encoding.UTF8.GetString(Collectives.StoreGet(_store, key));
        });
        return shared;
    }

    /// <summary>Says that all ranks have agreed to stop, so that none of them fails the others by it.</summary>
    public void StopTogether() => _together = true;

    /// <summary>Tells the other ranks that this one cannot go on; they end with the sentence. Nothing where all have agreed to stop.</summary>
    public void Fail(string sentence)
    {
        if (_together || Failure is not null) return;
        _failed = true;
        try
        {
            RankWatch.Tell(_store, $"rank {Rank} has stopped: {sentence.TrimEnd('.')}");
        }
        catch (System.Runtime.InteropServices.ExternalException)
        {
            // The store is gone and rank 0 with it: the others know.
        }
    }

    /// <summary>Leaves the group. Rank 0, which serves the store, waits a little for the others to have left.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        try
        {
            Collectives.StoreSet(_store, LeftKey(Rank), [1]);
            var (limit, waited) = (Failure is null ? Parting : PartingAfterFailure, Stopwatch.StartNew());
            while (Leads && waited.Elapsed < limit && !Enumerable.Range(1, Size - 1).All(rank => Collectives.StoreHas(_store, LeftKey(rank)))) Thread.Sleep(20);
        }
        catch (System.Runtime.InteropServices.ExternalException)
        {
            // The store is gone: there is nobody to tell.
        }
        bool well = Failure is null && !_failed;
        _watch.Stop();
        _lost.Dispose();
        if (!well) return; // a collective may still be under way; the process is about to end
        Collectives.CloseGroup(_group);
        Collectives.CloseStore(_groupStore);
        Collectives.CloseStore(_store);
    }

    /// <summary>Which key says that a rank has left of its own accord.</summary>
    internal static string LeftKey(int rank) => $"left/{rank}";

    /// <summary>Runs a collective, and turns its failure into the word of who is gone.</summary>
    internal void Guarded(Action collective)
    {
        if (Failure is { } failure) throw new RankLostException(failure);
        try
        {
            collective();
        }
        catch (System.Runtime.InteropServices.ExternalException e) when (!Engine.IsOutOfMemory(e))
        {
            throw new RankLostException(_watch.Explain(e.Message), e);
        }
    }

    private void Abandon()
    {
        Collectives.Abandon(_group);
        _lost.Cancel();
    }
}
