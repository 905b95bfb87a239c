using System.Text;
using System.Text.Json.Nodes;
using CsNotebook.Jupyter.Zmtp;

namespace CsNotebook.Jupyter;

/// <summary>The sockets of a connection file: what Jupyter's front ends speak.</summary>
internal sealed class ZmqWire : IWire
{
    private readonly Action<string> log;
    private readonly MessageCodec codec;
    private readonly RouterSocket shell,
        control,
        stdin;
    private readonly PublisherSocket iopub;
    private readonly EchoSocket heartbeat;
    private Action<Channel, Message> take = (_, _) => { };

    /// <summary>Listens on all channels; <see cref="Start"/> begins to receive.</summary>
    /// <param name="connection">Where to listen.</param>
    /// <param name="log">Receives a sentence for each thing that went wrong.</param>
    /// <exception cref="IOException">A channel's place is taken.</exception>
    public ZmqWire(ConnectionFile connection, Action<string> log)
    {
        this.log = log;
        codec = new MessageCodec(connection.Key, Guid.NewGuid().ToString("N"));
        shell = Router(connection.Shell, Channel.Shell);
        control = Router(connection.Control, Channel.Control);
        stdin = Router(connection.Stdin, Channel.Stdin);
        iopub = new PublisherSocket(connection.EndPoint(connection.Iopub), log);
        heartbeat = new EchoSocket(connection.EndPoint(connection.Heartbeat), log);

        RouterSocket Router(int port, Channel channel) =>
            new(connection.EndPoint(port), frames => Take(frames, channel), log);
    }

    private IEnumerable<ZmtpSocket> Sockets => [iopub, stdin, control, shell, heartbeat];

    /// <inheritdoc/>
    public void Start(Action<Channel, Message> received, Action gone)
    {
        take = received;
        foreach (var socket in Sockets)
            socket.Start();
    }

    /// <inheritdoc/>
    public bool Send(Channel channel, string type, JsonObject content, Message? parent)
    {
        if (channel == Channel.Iopub)
        {
            iopub.Send(codec.Encode([Encoding.UTF8.GetBytes(type)], type, content, parent?.Header));
            return true;
        }
        var socket = channel switch
        {
            Channel.Shell => shell,
            Channel.Control => control,
            _ => stdin,
        };
        return socket.Send(codec.Encode(parent!.Identities, type, content, parent.Header));
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
            take(channel, codec.Decode(frames));
        }
        catch (InvalidDataException e)
        {
            log($"A message was dropped: {e.Message}.");
        }
    }
}
