using System.Diagnostics;
using System.Net;
using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Torch.Distributed;

/// <summary>
/// Several processes that compute together: collectives over Gloo (CPUs) or NCCL (GPUs), which all ranks call in one
/// order, and a watch that turns a rank that is gone into a <see cref="RankLostException"/> on the others, where a
/// collective alone would wait. One thread uses a group.
/// </summary>
public sealed class ProcessGroup : IDisposable
{
    private const string AddressKey = "address";
    private static readonly TimeSpan Parting = TimeSpan.FromSeconds(10),
        PartingAfterFailure = TimeSpan.FromSeconds(3);
    private readonly KeyValueServer? _server;
    private readonly KeyValueStore _store;
    private readonly RankWatch _watch;
    private readonly ICollectives _carrier;
    private readonly CancellationTokenSource _lost = new();
    private long _shared;
    private bool _disposed,
        _together,
        _failed;

    private ProcessGroup(RankPlace place, Device device, ProcessGroupOptions options)
    {
        (Rank, Size, Device) = (place.Rank, place.Ranks, device);
        var member = Guid.NewGuid();
        try
        {
            if (Leads)
                _server = new KeyValueServer(place, options.Job);
            _store = KeyValueStore.Connect(place, member, options.Job, options.Rendezvous, options.Silence);
            var watched = KeyValueStore.Connect(place, member, options.Job, options.Rendezvous, options.Silence);
            _watch = new RankWatch(
                place,
                watched,
                options.Silence,
                Abandon,
                unstoppable: device.type == DeviceType.CUDA
            );
            WaitForAll(options.Rendezvous);
            (_carrier, Carrier) = Carry(place, options);
        }
        catch (IOException e)
        {
            string reason = _watch?.Failure ?? e.Message;
            _watch?.Stop();
            _store?.Dispose();
            _server?.Dispose();
            throw new RankLostException(
                $"rank {place.Rank} waited for {place.Ranks} ranks at {place.Host}:{place.Port}, but they did not all "
                    + $"meet ({reason.TrimEnd('.')}); start as many processes as WORLD_SIZE says, with one "
                    + "MASTER_ADDR and one free MASTER_PORT "
                    + "(under Slurm by srun), or train in one process without those variables.",
                e
            );
        }
    }

    /// <summary>What this build can carry collectives with.</summary>
    public static CollectiveBackends Backends =>
        (Gloo.Absence.Length == 0 ? CollectiveBackends.Gloo : CollectiveBackends.None)
        | (cuda.is_available() && Nccl.Absence.Length == 0 ? CollectiveBackends.Nccl : CollectiveBackends.None);

    /// <summary>Why there are no backends, as a sentence; empty where there are.</summary>
    public static string Absence => Gloo.Absence;

    /// <summary>This process's number, from 0.</summary>
    public int Rank { get; }

    /// <summary>How many processes there are.</summary>
    public int Size { get; }

    /// <summary>Whether this is rank 0, which alone writes files and speaks.</summary>
    public bool Leads => Rank == 0;

    /// <summary>Where the tensors of collectives are.</summary>
    public Device Device { get; }

    /// <summary>
    /// What carries the collectives: "Gloo", "NCCL", or a sentence where it is a slower one than the device could have.
    /// </summary>
    public string Carrier { get; }

    /// <summary>Why the group cannot go on; null while it can.</summary>
    public string? Failure => _watch.Failure;

    /// <summary>Cancelled when a rank is gone or has failed.</summary>
    public CancellationToken Lost => _lost.Token;

    /// <summary>Meets the other processes; waits until all have come.</summary>
    /// <param name="place">which of them this one is.</param>
    /// <param name="device">where tensors will be.</param>
    /// <param name="options">how long to wait.</param>
    /// <exception cref="NotSupportedException">The device is not here, or this build has no collectives for
    /// it.</exception>
    /// <exception cref="RankLostException">Not all ranks came in time.</exception>
    public static ProcessGroup Join(RankPlace place, Device device, ProcessGroupOptions? options = null)
    {
        bool gpu = device.type == DeviceType.CUDA;
        if (gpu && !cuda.is_available())
        {
            throw new NotSupportedException(
                $"{place.Ranks} processes are to train together on {device}, but libtorch sees no GPU here; "
                    + "train on the CPUs with --device cpu, or see what patchkit doctor says of CUDA."
            );
        }
        if (!Backends.HasFlag(CollectiveBackends.Gloo) && !(gpu && Backends.HasFlag(CollectiveBackends.Nccl)))
        {
            throw new NotSupportedException(
                $"{place.Ranks} processes are to train together on {device}, which "
                    + $"takes {(gpu ? "NCCL or Gloo" : "Gloo")}, but this build "
                    + $"has {Backends}: {Absence}"
            );
        }
        return new ProcessGroup(place, device, options ?? new());
    }

    /// <summary>Sums, or takes the greatest or least of, each element over the ranks, in place.</summary>
    /// <exception cref="RankLostException">A rank is gone.</exception>
    public void AllReduce(Tensor tensor, ReduceOp reduction = ReduceOp.Sum) =>
        Guarded(() => Begin(tensor, reduction).Wait());

    /// <summary>Gives all ranks one rank's tensor, in place.</summary>
    /// <exception cref="RankLostException">A rank is gone.</exception>
    public void Broadcast(Tensor tensor, int root = 0) => Guarded(() => _carrier.Broadcast(tensor, root).Wait());

    /// <summary>Every rank's tensor, in the order of ranks.</summary>
    /// <exception cref="RankLostException">A rank is gone.</exception>
    public Tensor[] AllGather(Tensor tensor)
    {
        var all = empty([Size, .. tensor.shape], tensor.dtype, tensor.device);
        Guarded(() => _carrier.AllGather(tensor, all).Wait());
        return all.unbind(0);
    }

    /// <summary>Waits until all ranks are here.</summary>
    /// <exception cref="RankLostException">A rank is gone.</exception>
    public void Barrier() => Guarded(() => _carrier.Barrier().Wait());

    /// <summary>Averages gradients over the ranks during the backward pass.</summary>
    /// <param name="parameters">all that take gradients, in the same order on every rank.</param>
    /// <param name="bucketBytes">how much goes out at once, at least; a larger parameter goes alone.</param>
    public GradientSync Gradients(IReadOnlyList<Tensor> parameters, long bucketBytes = 25 << 20) =>
        new(this, parameters, bucketBytes);

    /// <summary>
    /// Rank 0's text, on all ranks. Waiting for it takes no turn of the device, so rank 0 may take its time.
    /// </summary>
    /// <param name="text">computes it; called by rank 0 alone.</param>
    /// <param name="cancellation">ends the wait of the others.</param>
    /// <exception cref="RankLostException">A rank is gone.</exception>
    public string Share(Func<string> text, CancellationToken cancellation = default)
    {
        string key = $"share/{_shared++}";
        if (Leads)
        {
            string own = text();
            Guarded(() => _store.Set(key, own));
            return own;
        }
        string? shared = null;
        Guarded(() =>
        {
            for (int asked = 0; (shared = _store.TryGetText(key)) is null; asked++)
            {
                if (Failure is { } failure)
                    throw new RankLostException(failure);
                cancellation.ThrowIfCancellationRequested();
                Thread.Sleep(asked < 100 ? 5 : 100);
            }
        });
        return shared!;
    }

    /// <summary>Says that all ranks have agreed to stop, so that none of them fails the others by it.</summary>
    public void StopTogether() => _together = true;

    /// <summary>
    /// Tells the other ranks that this one cannot go on; they end with the sentence. Nothing where all have agreed to
    /// stop.
    /// </summary>
    public void Fail(string sentence)
    {
        if (_together || Failure is not null)
            return;
        _failed = true;
        try
        {
            RankWatch.Tell(_store, $"rank {Rank} has stopped: {sentence.TrimEnd('.')}");
        }
        catch (IOException)
        {
            // The store is gone and rank 0 with it: the others know.
        }
    }

    /// <summary>Leaves the group. Rank 0, which serves the store, waits a little for the others to have left.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        try
        {
            _store.Set(LeftKey(Rank), [1]);
            var (limit, waited) = (Failure is null ? Parting : PartingAfterFailure, Stopwatch.StartNew());
            while (
                Leads && waited.Elapsed < limit && !Enumerable.Range(1, Size - 1).All(rank => _store.Has(LeftKey(rank)))
            )
                Thread.Sleep(20);
        }
        catch (IOException)
        {
            // The store is gone: there is nobody to tell.
        }
        bool well = Failure is null && !_failed;
        _watch.Stop();
        _lost.Dispose();
        if (well)
            _carrier.Dispose(); // else a collective may still be under way; the process is about to end
        _store.Dispose();
        _server?.Dispose();
    }

    /// <summary>Which key says that a rank has left of its own accord.</summary>
    internal static string LeftKey(int rank) => $"left/{rank}";

    /// <summary>Begins an all-reduce; only in <see cref="Guarded"/> is it waited for.</summary>
    internal Collective Begin(Tensor tensor, ReduceOp reduction) => _carrier.AllReduce(tensor, reduction);

    /// <summary>Runs a collective, and turns its failure into the word of who is gone.</summary>
    internal void Guarded(Action collective)
    {
        if (Failure is { } failure)
            throw new RankLostException(failure);
        try
        {
            collective();
        }
        catch (IOException e)
        {
            throw new RankLostException(_watch.Explain(e.Message), e);
        }
    }

    private static string CameKey(int rank) => $"came/{rank}";

    private void WaitForAll(TimeSpan within)
    {
        _store.Set(CameKey(Rank), [1]);
        var clock = Stopwatch.StartNew();
        List<int> missing = [.. Enumerable.Range(0, Size)];
        while (missing.RemoveAll(rank => _store.Has(CameKey(rank))) >= 0 && missing.Count > 0)
        {
            if (Failure is { } failure)
                throw new IOException(failure);
            if (clock.Elapsed > within)
            {
                string who = missing.Count == 1 ? $"rank {missing[0]}" : $"ranks {string.Join(", ", missing)}";
                throw new IOException($"{who} did not come within {within.TotalSeconds:0} s");
            }
            Thread.Sleep(clock.ElapsedMilliseconds < 1000 ? 5 : 100);
        }
    }

    // NCCL where every rank has it, as they must agree; else Gloo.
    private (ICollectives Carrier, string Word) Carry(RankPlace place, ProcessGroupOptions options)
    {
        string missing = "host memory was asked for";
        if (Device.type == DeviceType.CUDA && !options.ThroughHost)
        {
            _store.Set(NcclKey(Rank), Nccl.Absence);
            missing = Enumerable
                .Range(0, Size)
                .Select(rank =>
                    Encoding.UTF8.GetString(_store.Get(NcclKey(rank), options.Rendezvous)) is { Length: > 0 } absence
                        ? $"rank {rank} has no NCCL: {absence}"
                        : ""
                )
                .FirstOrDefault(absence => absence.Length > 0, "");
            if (missing.Length == 0)
                return (new NcclGroup(_store, place, Device, options, _lost.Token), "NCCL");
        }
        var gloo = new GlooGroup(_store, place, OwnAddress(options.Rendezvous), options, _lost.Token);
        return Device.type == DeviceType.CPU && !options.ThroughHost
            ? (gloo, "Gloo")
            : (
                new HostGroup(gloo),
                $"collectives of tensors on {Device} go through host memory by Gloo, more slowly, as {missing}."
            );
    }

    private static string NcclKey(int rank) => $"nccl/{rank}";

    // Ranks on rank 0's machine may know it by a loopback address, which those of other machines cannot reach: they
    // take the one by which those came.
    private string OwnAddress(TimeSpan within)
    {
        if (_server is not null)
            _store.Set(AddressKey, (_server.ReachedAt ?? IPAddress.Loopback).ToString());
        var address = _store.OwnAddress;
        if (IPAddress.IsLoopback(address))
            address = IPAddress.Parse(Encoding.UTF8.GetString(_store.Get(AddressKey, within)));
        return (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString();
    }

    private void Abandon()
    {
        _lost.Cancel();
        _carrier?.Abandon(); // null while the ranks still meet
    }
}

/// <summary>What carries collectives between processes.</summary>
[Flags]
public enum CollectiveBackends
{
    /// <summary>Nothing: this build has no collectives.</summary>
    None = 0,

    /// <summary>Gloo: CPU tensors over TCP.</summary>
    Gloo = 1,

    /// <summary>NCCL: CUDA tensors.</summary>
    Nccl = 2,
}
