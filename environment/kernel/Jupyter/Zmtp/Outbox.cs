namespace CsNotebook.Jupyter.Zmtp;

/// <summary>
/// The messages that wait for one peer. It is bounded: a full box makes the sender wait a little, and a peer that does
/// not take anything for so long loses messages, without further waiting, until it has caught up.
/// </summary>
/// <param name="capacity">The bytes that may wait.</param>
/// <param name="patience">How long a sender waits for room.</param>
internal sealed class Outbox(long capacity, TimeSpan patience) : IDisposable
{
    /// <summary>What a message costs beside its bytes.</summary>
    private const int Overhead = 256;

    private readonly object gate = new();
    private readonly Queue<byte[][]> waiting = [];
    private long bytes;
    private bool late;
    private bool closed;

    /// <summary>Puts a message in; false when it is lost.</summary>
    public bool Post(byte[][] message)
    {
        lock (gate)
        {
            long until = Environment.TickCount64 + (long)patience.TotalMilliseconds;
            while (bytes > capacity && !late && !closed)
            {
                long left = until - Environment.TickCount64;
                if (left <= 0 || !Monitor.Wait(gate, (int)left))
                    late = bytes > capacity;
            }
            if (late || closed)
                return false;
            waiting.Enqueue(message);
            bytes += Size(message);
            Monitor.PulseAll(gate);
            return true;
        }
    }

    /// <summary>
    /// The next message, still counted until <see cref="Sent"/>; waits for one. Null when the box is closed.
    /// </summary>
    public byte[][]? Next()
    {
        lock (gate)
        {
            while (waiting.Count == 0 && !closed)
                Monitor.Wait(gate);
            return closed ? null : waiting.Dequeue();
        }
    }

    /// <summary>A message that <see cref="Next"/> gave is on its way.</summary>
    public void Sent(byte[][] message)
    {
        lock (gate)
        {
            bytes -= Size(message);
            late &= bytes > capacity / 2;
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>Waits until all is sent, or until the time is up.</summary>
    public void Drain(DateTime until)
    {
        lock (gate)
        {
            while (bytes > 0 && !closed && until - DateTime.UtcNow is var left && left > TimeSpan.Zero)
                Monitor.Wait(gate, left);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (gate)
        {
            closed = true;
            Monitor.PulseAll(gate);
        }
    }

    private static long Size(byte[][] message) => message.Sum(f => (long)f.Length) + Overhead;
}
