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

    private readonly object gate = new();
    private readonly Thread pump;
    private List<Item> waiting = [];
    private int characters;
    private bool delivering;
    private bool hurry;
    private bool closed;

    public OutputQueue()
    {
        pump = new Thread(Pump) { IsBackground = true, Name = "cell output" };
        pump.Start();
    }

    public void Write(ICellHost host, StreamName name, string text)
    {
        if (text.Length == 0)
            return;
        lock (gate)
        {
            while (characters > MaxWaiting && !closed)
                Monitor.Wait(gate);
            if (waiting is [.., { Text: { } last } tail] && tail.Name == name && tail.Host == host)
                last.Append(text);
            else
                waiting.Add(new(host, name, new StringBuilder(text), null));
            characters += text.Length;
            Monitor.PulseAll(gate);
        }
    }

    public void Post(ICellHost host, Action<ICellHost> call)
    {
        lock (gate)
        {
            while (waiting.Count > 1000 && !closed)
                Monitor.Wait(gate);
            waiting.Add(new(host, default, null, call));
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>Waits until everything has been delivered.</summary>
    public void Drain()
    {
        lock (gate)
        {
            hurry = true;
            Monitor.PulseAll(gate);
            while ((waiting.Count > 0 || delivering) && !closed)
                Monitor.Wait(gate);
            hurry = false;
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            closed = true;
            Monitor.PulseAll(gate);
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
        lock (gate)
        {
            delivering = false;
            Monitor.PulseAll(gate);
            while (waiting.Count == 0 && !closed)
                Monitor.Wait(gate);
            if (!hurry && !closed && waiting is [{ Text: not null }])
                Monitor.Wait(gate, Gather);
            if (closed)
                return null;
            var items = waiting;
            (waiting, characters, delivering) = ([], 0, true);
            Monitor.PulseAll(gate);
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
