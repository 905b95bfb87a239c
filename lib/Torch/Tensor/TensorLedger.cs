namespace TorchSharp;

/// <summary>
/// One thread's account of the tensors it made and released. Totals add the threads up, so that counting costs no interlocked
/// instruction; a tensor made on one thread and released on another (by the finalizer, say) leaves a plus here and a minus there.
/// It also makes the garbage collector run in time for tensors that nobody disposes: the collector sees 100 bytes where libtorch
/// holds megabytes. (GC.AddMemoryPressure is no help: it forced a full collection every other training step.)
/// </summary>
internal sealed class TensorLedger
{
    private const long Floor = 64L << 20, CheckEvery = 4L << 20;

    private static readonly List<TensorLedger> s_all = [];
    private static long s_limit = Floor;
    private static int s_collecting;

    private long _live, _bytes, _sinceCheck;

    internal TensorLedger()
    {
        lock (s_all) s_all.Add(this);
    }

    /// <summary>Tensors that C# holds: made and not yet released.</summary>
    internal static long TotalLive => Total(ledger => Volatile.Read(ref ledger._live));

    /// <summary>Bytes that those tensors own, as far as they own them alone.</summary>
    internal static long TotalBytes => Total(ledger => Volatile.Read(ref ledger._bytes));

    internal void Made(long bytes)
    {
        _live++;
        if (bytes == 0) return;
        _bytes += bytes;
        if ((_sinceCheck += bytes) > CheckEvery) Check();
    }

    internal void Released(long bytes)
    {
        _live--;
        _bytes -= bytes;
    }

    private static long Total(Func<TensorLedger, long> read)
    {
        lock (s_all) return s_all.Sum(read);
    }

    private void Check()
    {
        _sinceCheck = 0;
        long limit = Volatile.Read(ref s_limit);
        if (TotalBytes <= limit || Interlocked.Exchange(ref s_collecting, 1) != 0) return;
        Collect(limit);
        Volatile.Write(ref s_collecting, 0);
    }

    private static void Collect(long limit)
    {
        // The young generations first: what a training step left behind is nearly always there.
        for (int generation = 0; generation <= GC.MaxGeneration; generation++)
        {
            GC.Collect(generation, GCCollectionMode.Forced, blocking: true);
            GC.WaitForPendingFinalizers();
            long left = TotalBytes;
            if (left > limit - limit / 4) continue;
            // Room for a while. The limit comes down by and by: a training step holds now much, now little.
            Volatile.Write(ref s_limit, Math.Min(limit, Math.Max(limit - limit / 8, Math.Max(Floor, 2 * left))));
            return;
        }
        // Twice what survived them all: a model that holds much memory for good is not collected for it again and again.
        Volatile.Write(ref s_limit, Math.Max(Floor, 2 * TotalBytes));
    }
}
