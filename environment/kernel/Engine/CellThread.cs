using System.Runtime.ExceptionServices;

namespace CsNotebook.Engine;

/// <summary>Runs a cell's code on a thread of its own, which can be stopped.</summary>
internal static class CellThread
{
    /// <summary>The name by which a library finds the running cell's token: <c>AppContext.GetData</c>.</summary>
    public const string TokenName = "csnotebook.cancellation";

    private const int StackSize = 16 << 20;

    /// <summary>
    /// What a stop waits for code to end at a check before it interrupts waits, and between one wait and the next.
    /// </summary>
    private static readonly TimeSpan Grace = TimeSpan.FromMilliseconds(50);

    /// <summary>
    /// Runs <paramref name="body"/> to its end. A stop raises <see cref="Stop.Requested"/>, cancels the published
    /// token, and then interrupts the waits it finds the thread in until it has ended.
    /// </summary>
    /// <returns>What the body threw, or null.</returns>
    public static ExceptionDispatchInfo? Run(Action body, CancellationToken stop)
    {
        ExceptionDispatchInfo? thrown = null;
        using var ended = new ManualResetEventSlim();
        using var published = new CancellationTokenSource();
        var thread = new Thread(
            () =>
            {
                try
                {
                    Stop.Guard(StackSize);
                    body();
                }
                catch (Exception e)
                {
                    thrown = ExceptionDispatchInfo.Capture(e);
                }
            },
            StackSize
        )
        {
            IsBackground = true,
            Name = "cell",
        };

        Stop.Requested = false;
        AppContext.SetData(TokenName, published.Token);
        using var registration = stop.Register(() => Stop.Requested = true);
        var stopper = new Thread(() => StopWhenAsked(thread, published, ended, stop))
        {
            IsBackground = true,
            Name = "cell stopper",
        };
        thread.Start();
        if (stop.CanBeCanceled)
            stopper.Start();
        thread.Join();
        ended.Set();
        if (stop.CanBeCanceled)
            stopper.Join();
        AppContext.SetData(TokenName, CancellationToken.None);
        return thrown;
    }

    private static void StopWhenAsked(
        Thread thread,
        CancellationTokenSource published,
        ManualResetEventSlim ended,
        CancellationToken stop
    )
    {
        if (WaitHandle.WaitAny([ended.WaitHandle, stop.WaitHandle]) == 0)
            return;
        // Callbacks on the token are the cell's: they may throw or take their time.
        _ = Task.Run(
            () =>
            {
                try
                {
                    published.Cancel();
                }
                catch (Exception e) when (e is AggregateException or ObjectDisposedException) { }
            },
            CancellationToken.None
        );
        while (!ended.Wait(Grace, CancellationToken.None))
        {
            // An interrupt of a thread that is at work lies in wait for its next lock, in the midst of what a library
            // does on the token: a checkpoint that is being saved, for instance.
            if (thread.ThreadState.HasFlag(ThreadState.WaitSleepJoin))
                thread.Interrupt();
        }
    }
}
