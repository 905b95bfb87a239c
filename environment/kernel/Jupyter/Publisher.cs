using System.Text;
using System.Text.Json.Nodes;
using CsNotebook.Engine;

namespace CsNotebook.Jupyter;

/// <summary>
/// The iopub channel. Text is gathered for a moment; whatever is published in between sends it first, so order is kept.
/// </summary>
internal sealed class Publisher : IDisposable
{
    private const int MaxText = 1 << 16;

    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(50);

    private readonly IWire _wire;
    private readonly object _gate = new();
    private readonly StringBuilder _text = new();
    private StreamName _name;
    private Message? _writer;
    private bool _closed;

    /// <summary>Publishes through a wire.</summary>
    public Publisher(IWire wire)
    {
        _wire = wire;
        new Thread(SendGathered) { IsBackground = true, Name = "stream output" }.Start();
    }

    /// <summary>Publishes a message on behalf of a request.</summary>
    public void Publish(string type, JsonObject content, Message? parent)
    {
        lock (_gate)
        {
            SendText();
            Send(type, content, parent);
        }
    }

    /// <summary>Says that the kernel is <c>starting</c>, <c>busy</c> or <c>idle</c>.</summary>
    public void Status(string state, Message? parent) =>
        Publish("status", new JsonObject { ["execution_state"] = state }, parent);

    /// <summary>Publishes text, soon.</summary>
    public void Stream(StreamName stream, string more, Message parent)
    {
        lock (_gate)
        {
            if (stream != _name || parent != _writer || _text.Length > MaxText)
                SendText();
            (_name, _writer) = (stream, parent);
            _text.Append(more);
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Sends the text that was gathered.</summary>
    public void Flush()
    {
        lock (_gate)
            SendText();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
            Monitor.Pulse(_gate);
        }
    }

    private void SendGathered()
    {
        lock (_gate)
        {
            while (!_closed)
            {
                while (_text.Length == 0 && !_closed)
                    Monitor.Wait(_gate);
                long until = Environment.TickCount64 + (long)Gather.TotalMilliseconds;
                while (!_closed && until - Environment.TickCount64 is > 0 and var left)
                    Monitor.Wait(_gate, (int)left);
                SendText();
            }
        }
    }

    private void SendText()
    {
        if (_text.Length == 0)
            return;
        string all = _text.ToString();
        _text.Clear();
        Send(
            "stream",
            new JsonObject { ["name"] = _name == StreamName.Stdout ? "stdout" : "stderr", ["text"] = all },
            _writer
        );
    }

    private void Send(string type, JsonObject content, Message? parent) =>
        _wire.Send(Channel.Iopub, type, content, parent);
}
