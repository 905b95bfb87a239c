using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace PatchKit.Torch.Distributed;

/// <summary>
/// The heartbeats of a group, on a thread and a store connection of its own. Every rank counts up its own beat; rank 0
/// looks at all of them and says which has stopped; the others see that word, or that the store itself is gone, and
/// with it rank 0.
/// </summary>
internal sealed partial class RankWatch
{
    private const string FailureKey = "failure",
        FailuresKey = "failures",
        SuspicionKey = "suspicion";
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(500),
        Suspected = TimeSpan.FromSeconds(3),
        Explaining = TimeSpan.FromSeconds(10),
        Patience = TimeSpan.FromSeconds(10);
    private readonly KeyValueStore _store;
    private readonly int _rank;
    private readonly TimeSpan _silence;
    private readonly Action _lost;
    private readonly bool _unstoppable;
    private readonly long[] _beats;
    private readonly TimeSpan[] _seen;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Thread _thread;
    private readonly ManualResetEventSlim _end = new();
    private readonly string _address;
    private volatile string? _failure;
    private volatile bool _heard;
    private long _suspicion = -1;

    /// <summary>Begins to watch.</summary>
    /// <param name="place">this rank's.</param>
    /// <param name="store">a connection that nobody else uses; it is closed at the end.</param>
    /// <param name="silence">after which a rank counts as gone.</param>
    /// <param name="lost">called once, when one is.</param>
    /// <param name="unstoppable">whether the main thread may be waiting where nothing can interrupt it, inside a GPU's
    /// driver: the process is then ended.</param>
    internal RankWatch(RankPlace place, KeyValueStore store, TimeSpan silence, Action lost, bool unstoppable)
    {
        (_store, _rank, _silence, _lost, _unstoppable, _address) = (
            store,
            place.Rank,
            silence,
            lost,
            unstoppable,
            $"{place.Host}:{place.Port}"
        );
        (_beats, _seen) = (new long[place.Ranks], new TimeSpan[place.Ranks]);
        _thread = new Thread(Watch) { IsBackground = true, Name = "ranks" };
        _thread.Start();
    }

    /// <summary>Why the group cannot go on; null while it can.</summary>
    internal string? Failure => _failure;

    /// <summary>Tells all ranks that this one cannot go on.</summary>
    /// <param name="store">the calling thread's connection.</param>
    /// <param name="sentence">why.</param>
    internal static void Tell(KeyValueStore store, string sentence)
    {
        if (store.Add(FailuresKey, 1) == 1)
            store.Set(FailureKey, sentence);
    }

    /// <summary>After a collective has failed: waits for word of who is gone, as far as that can be told.</summary>
    internal string Explain(string failed)
    {
        _heard = true;
        Suspect();
        for (var waited = Stopwatch.StartNew(); _failure is null && waited.Elapsed < Explaining; )
            Thread.Sleep(50);
        return _failure
            ?? $"a collective with the other ranks failed, and which of them is to blame cannot be told ({failed})";
    }

    /// <summary>Ends the watch and closes its connection.</summary>
    internal void Stop()
    {
        _heard = true;
        _end.Set();
        _thread.Join();
        _store.Dispose();
    }

    private void Watch()
    {
        try
        {
            do
            {
                _store.Add(Key(_rank), 1);
                if (_rank == 0)
                    Look();
                else if (Interlocked.Read(ref _suspicion) >= 0)
                    _store.Set(SuspicionKey, [1]);
                if (_store.TryGetText(FailureKey) is { } failure)
                    Declare(failure);
            } while (_failure is null && !_end.Wait(Between));
        }
        catch (IOException)
        {
            if (!_end.IsSet)
                Declare($"rank 0 is gone: the store that it served at {_address} does not answer any more");
        }
    }

    // From then on a rank must be heard of soon.
    private void Suspect() => Interlocked.CompareExchange(ref _suspicion, _clock.ElapsedTicks, -1);

    private void Look()
    {
        if (_store.Has(SuspicionKey))
            Suspect();
        var suspicion = Interlocked.Read(ref _suspicion) is >= 0 and var ticks
            ? Stopwatch.GetElapsedTime(0, ticks)
            : (TimeSpan?)null;
        List<int> silent = [];
        for (int rank = 1; rank < _beats.Length; rank++)
        {
            long beats = _store.Add(Key(rank), 0);
            if (beats == 0)
                continue; // it has not come yet
            var now = _clock.Elapsed;
            if (beats != _beats[rank] || _seen[rank] == default)
                (_beats[rank], _seen[rank]) = (beats, now);
            bool late =
                now - _seen[rank] > _silence
                || (suspicion is { } since && now - since > Suspected && _seen[rank] <= since + Between);
            if (late && !_store.Has(ProcessGroup.LeftKey(rank)))
                silent.Add(rank);
        }
        if (silent.Count == 0)
            return;
        string who =
            silent.Count == 1
                ? $"rank {silent[0]} is gone: nothing was heard of it"
                : $"ranks {string.Join(", ", silent)} are gone: nothing was heard of them";
        Tell(
            _store,
            string.Create(
                CultureInfo.InvariantCulture,
                $"{who} for {silent.Max(rank => (_clock.Elapsed - _seen[rank]).TotalSeconds):0} s"
            )
        );
    }

    private void Declare(string failure)
    {
        _failure = failure;
        _lost();
        if (_unstoppable)
            new Thread(EndUnlessHeard) { IsBackground = true }.Start();
    }

    private void EndUnlessHeard()
    {
        if (_end.Wait(Patience) || _heard)
            return;
        Console.Error.WriteLine(
            $"patchkit: {_failure}. This rank waits for it inside the GPU's driver and is ended; start all "
                + "ranks again, and the run goes on from its last checkpoint."
        );
        if (OperatingSystem.IsWindows())
            Process.GetCurrentProcess().Kill();
        else
            _exit(1);
    }

    private static string Key(int rank) => $"beat/{rank}";

    // At once: what ends a process in good order would wait for the GPU, too.
    [LibraryImport("libc")]
    private static partial void _exit(int code);
}
