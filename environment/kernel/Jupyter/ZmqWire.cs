using System.Text;
using System.Text.Json.Nodes;
using CsNotebook.Jupyter.Zmtp;

namespace CsNotebook.Jupyter;

/// <summary>The sockets of a connection file: what Jupyter's front ends speak.</summary>
internal sealed class ZmqWire : IWire
{
    private readonly Action<string> _log;
    private readonly MessageCodec _codec;
    private readonly RouterSocket _shell,
        _control,
        _stdin;
    private readonly PublisherSocket _iopub;
    private readonly EchoSocket _heartbeat;
    private Action<Channel, Message> _take = (_, _) => { };

    /// <summary>Listens on all channels; <see cref="Start"/> begins to receive.</summary>
    /// <param name="connection">where to listen.</param>
    /// <param name="log">receives a sentence for each thing that went wrong.</param>
    /// <exception cref="IOException">A channel's place is taken.</exception>
    public ZmqWire(ConnectionFile connection, Action<string> log)
    {
        _log = log;
        _codec = new MessageCodec(connection.Key, Guid.NewGuid().ToString("N"));
        _shell = Router(connection.Shell, Channel.Shell);
        _control = Router(connection.Control, Channel.Control);
        _stdin = Router(connection.Stdin, Channel.Stdin);
        _iopub = new PublisherSocket(connection.EndPoint(connection.Iopub), log);
        _heartbeat = new EchoSocket(connection.EndPoint(connection.Heartbeat), log);

        RouterSocket Router(int port, Channel channel) =>
            new(connection.EndPoint(port), frames => Take(frames, channel), log);
    }

    private IEnumerable<ZmtpSocket> Sockets => [_iopub, _stdin, _control, _shell, _heartbeat];

    /// <inheritdoc/>
    public void Start(Action<Channel, Message> received, Action gone)
    {
        _take = received;
        foreach (var socket in Sockets)
            socket.Start();
    }

    /// <inheritdoc/>
    public bool Send(Channel channel, string type, JsonObject content, Message? parent)
    {
        if (channel == Channel.Iopub)
        {
            _iopub.Send(_codec.Encode([Encoding.UTF8.GetBytes(type)], type, content, parent?.Header));
            return true;
        }
        var socket = channel switch
        {
            Channel.Shell => _shell,
            Channel.Control => _control,
            _ => _stdin,
        };
        return socket.Send(_codec.Encode(parent!.Identities, type, content, parent.Header));
    }

    /// <inheritdoc/>
    public void Drain(DateTime until)
    {
        foreach (var socket in Sockets)
            socket.Drain(until);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var socket in Sockets)
            socket.Dispose();
    }

    private void Take(byte[][] frames, Channel channel)
    {
        try
        {
            _take(channel, _codec.Decode(frames));
        }
        catch (InvalidDataException e)
        {
            _log($"A message was dropped: {e.Message}.");
        }
    }
}
