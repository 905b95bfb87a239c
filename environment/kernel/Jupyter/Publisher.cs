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

    private readonly IWire wire;
    private readonly object gate = new();
    private readonly StringBuilder text = new();
    private StreamName name;
    private Message? writer;
    private bool closed;

    /// <summary>Publishes through a wire.</summary>
    public Publisher(IWire wire)
    {
        this.wire = wire;
        new Thread(SendGathered) { IsBackground = true, Name = "stream output" }.Start();
    }

    /// <summary>Publishes a message on behalf of a request.</summary>
    public void Publish(string type, JsonObject content, Message? parent)
    {
        lock (gate)
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
        lock (gate)
        {
            if (stream != name || parent != writer || text.Length > MaxText)
                SendText();
            (name, writer) = (stream, parent);
            text.Append(more);
            Monitor.Pulse(gate);
        }
    }

    /// <summary>Sends the text that was gathered.</summary>
    public void Flush()
    {
        lock (gate)
            SendText();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (gate)
        {
            closed = true;
            Monitor.Pulse(gate);
        }
    }

    private void SendGathered()
    {
        lock (gate)
        {
            while (!closed)
            {
                while (text.Length == 0 && !closed)
                    Monitor.Wait(gate);
                long until = Environment.TickCount64 + (long)Gather.TotalMilliseconds;
                while (!closed && until - Environment.TickCount64 is > 0 and var left)
                    Monitor.Wait(gate, (int)left);
                SendText();
            }
        }
    }

    private void SendText()
    {
        if (text.Length == 0)
            return;
        string all = text.ToString();
        text.Clear();
        Send(
            "stream",
            new JsonObject { ["name"] = name == StreamName.Stdout ? "stdout" : "stderr", ["text"] = all },
            writer
        );
    }

    private void Send(string type, JsonObject content, Message? parent) =>
        wire.Send(Channel.Iopub, type, content, parent);
}
