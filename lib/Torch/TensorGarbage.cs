namespace PatchKit.Torch;

/// <summary>
/// Makes the garbage collector run in time for tensors that nobody disposes: it sees 100 bytes where libtorch holds
/// megabytes. (GC.AddMemoryPressure is no help: it forced a full collection every other training step.) The guard
/// library counts and says when; where there is none, tensors need scopes more.
/// </summary>
internal static class TensorGarbage
{
    private const long Floor = 64L << 20;

    private static int s_watched;

    /// <summary>Begins to watch, once for the process.</summary>
    internal static void Watch()
    {
        if (Volatile.Read(ref s_watched) != 0 || Interlocked.Exchange(ref s_watched, 1) != 0)
            return;
        new Thread(Run) { IsBackground = true, Name = "tensors nobody disposes" }.Start();
    }

    private static void Run()
    {
        if (!Guard.Exists)
            return;
        for (long limit = Floor; ; limit = Collect(limit))
            Guard.pkg_memory_wait_above(limit);
    }

    // The next limit.
    private static long Collect(long limit)
    {
        // The young generations first: what a training step left behind is nearly always there.
        for (int generation = 0; generation <= GC.MaxGeneration; generation++)
        {
            GC.Collect(generation, GCCollectionMode.Forced, blocking: true);
            GC.WaitForPendingFinalizers();
            long left = Guard.pkg_memory_live();
            // Room for a while. The limit comes down by and by: a training step holds now much, now little.
            if (left <= limit - limit / 4)
                return Math.Min(limit, Math.Max(limit - limit / 8, Math.Max(Floor, 2 * left)));
        }
        // Twice what survived them all: a model that holds much memory for good is not collected for it again and
        // again.
        return Math.Max(Floor, 2 * Guard.pkg_memory_live());
    }
}
