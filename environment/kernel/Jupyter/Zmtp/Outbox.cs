namespace CsNotebook.Jupyter.Zmtp;

/// <summary>
/// The messages that wait for one peer. It is bounded: a full box makes the sender wait a little, and a peer that does
/// not take anything for so long loses messages, without further waiting, until it has caught up.
/// </summary>
/// <param name="capacity">the bytes that may wait.</param>
/// <param name="patience">how long a sender waits for room.</param>
internal sealed class Outbox(long capacity, TimeSpan patience) : IDisposable
{
    /// <summary>What a message costs beside its bytes.</summary>
    private const int Overhead = 256;

    private readonly object _gate = new();
    private readonly Queue<byte[][]> _waiting = [];
    private long _bytes;
    private bool _late;
    private bool _closed;

    /// <summary>Puts a message in; false when it is lost.</summary>
    public bool Post(byte[][] message)
    {
        lock (_gate)
        {
            long until = Environment.TickCount64 + (long)patience.TotalMilliseconds;
            while (_bytes > capacity && !_late && !_closed)
            {
                long left = until - Environment.TickCount64;
                if (left <= 0 || !Monitor.Wait(_gate, (int)left))
                    _late = _bytes > capacity;
            }
            if (_late || _closed)
                return false;
            _waiting.Enqueue(message);
            _bytes += Size(message);
            Monitor.PulseAll(_gate);
            return true;
        }
    }

    /// <summary>
    /// The next message, still counted until <see cref="Sent"/>; waits for one. Null when the box is closed.
    /// </summary>
    public byte[][]? Next()
    {
        lock (_gate)
        {
            while (_waiting.Count == 0 && !_closed)
                Monitor.Wait(_gate);
            return _closed ? null : _waiting.Dequeue();
        }
    }

    /// <summary>A message that <see cref="Next"/> gave is on its way.</summary>
    public void Sent(byte[][] message)
    {
        lock (_gate)
        {
            _bytes -= Size(message);
            _late &= _bytes > capacity / 2;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Waits until all is sent, or until the time is up.</summary>
    public void Drain(DateTime until)
    {
        lock (_gate)
        {
            while (_bytes > 0 && !_closed && until - DateTime.UtcNow is var left && left > TimeSpan.Zero)
                Monitor.Wait(_gate, left);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
            Monitor.PulseAll(_gate);
        }
    }

    private static long Size(byte[][] message) => message.Sum(f => (long)f.Length) + Overhead;
}
