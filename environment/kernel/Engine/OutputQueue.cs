using System.Text;

namespace CsNotebook.Engine;

/// <summary>
/// Carries a session's output to its hosts in order, on a thread of its own: a stop never interrupts a host halfway
/// through a message, and short writes arrive in larger pieces. A writer that runs far ahead of its host waits for it.
/// </summary>
internal sealed class OutputQueue : IDisposable
{
    private const int MaxWaiting = 1 << 20;

    /// <summary>How long text may wait for more text.</summary>
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(15);

    private readonly object _gate = new();
    private readonly Thread _pump;
    private List<Item> _waiting = [];
    private int _characters;
    private bool _delivering;
    private bool _hurry;
    private bool _closed;

    public OutputQueue()
    {
        _pump = new Thread(Pump) { IsBackground = true, Name = "cell output" };
        _pump.Start();
    }

    public void Write(ICellHost host, StreamName name, string text)
    {
        if (text.Length == 0)
            return;
        lock (_gate)
        {
            while (_characters > MaxWaiting && !_closed)
                Monitor.Wait(_gate);
            if (_waiting is [.., { Text: { } last } tail] && tail.Name == name && tail.Host == host)
                last.Append(text);
            else
                _waiting.Add(new(host, name, new StringBuilder(text), null));
            _characters += text.Length;
            Monitor.PulseAll(_gate);
        }
    }

    public void Post(ICellHost host, Action<ICellHost> call)
    {
        lock (_gate)
        {
            while (_waiting.Count > 1000 && !_closed)
                Monitor.Wait(_gate);
            _waiting.Add(new(host, default, null, call));
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Waits until everything has been delivered.</summary>
    public void Drain()
    {
        lock (_gate)
        {
            _hurry = true;
            Monitor.PulseAll(_gate);
            while ((_waiting.Count > 0 || _delivering) && !_closed)
                Monitor.Wait(_gate);
            _hurry = false;
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
            Monitor.PulseAll(_gate);
        }
    }

    private void Pump()
    {
        while (Next() is { } items)
        {
            foreach (var item in items)
            {
                try
                {
                    item.Deliver();
                }
                catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
                {
                    // The host has gone; the cell need not know.
                }
            }
        }
    }

    private List<Item>? Next()
    {
        lock (_gate)
        {
            _delivering = false;
            Monitor.PulseAll(_gate);
            while (_waiting.Count == 0 && !_closed)
                Monitor.Wait(_gate);
            if (!_hurry && !_closed && _waiting is [{ Text: not null }])
                Monitor.Wait(_gate, Gather);
            if (_closed)
                return null;
            var items = _waiting;
            (_waiting, _characters, _delivering) = ([], 0, true);
            Monitor.PulseAll(_gate);
            return items;
        }
    }

    private sealed record Item(ICellHost Host, StreamName Name, StringBuilder? Text, Action<ICellHost>? Call)
    {
        public void Deliver()
        {
            if (Text is not null)
                Host.Stream(Name, Text.ToString());
            else
                Call!(Host);
        }
    }
}
