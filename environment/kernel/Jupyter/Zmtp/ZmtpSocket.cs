using System.Net;
using System.Net.Sockets;

namespace CsNotebook.Jupyter.Zmtp;

/// <summary>
/// A listening socket over tcp or ipc. Every peer has a thread that reads and one that writes: a kernel has few peers,
/// and an interrupt must come through when a cell has taken all of the thread pool.
/// </summary>
internal abstract class ZmtpSocket : IDisposable
{
    private const int StackSize = 1 << 18;
    private const long Capacity = 64 << 20;

    private static readonly TimeSpan GreetingLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly string _type;
    private readonly string[] _peerTypes;
    private readonly Action<string> _log;
    private readonly Socket _listener;
    private readonly string? _path;
    private readonly List<ZmtpPeer> _peers = [];
    private int _given;
    private volatile bool _closed;

    /// <summary>Listens; peers are accepted from <see cref="Start"/> on.</summary>
    /// <param name="type">this socket's type.</param>
    /// <param name="peerTypes">the types that may connect to it.</param>
    /// <param name="where">an <see cref="IPEndPoint"/>, or a <see cref="UnixDomainSocketEndPoint"/> whose file is
    /// replaced.</param>
    /// <param name="log">receives a sentence for every connection that is dropped.</param>
    protected ZmtpSocket(string type, string[] peerTypes, EndPoint where, Action<string> log)
    {
        (_type, _peerTypes, _log) = (type, peerTypes, log);
        _path = where is UnixDomainSocketEndPoint ? where.ToString() : null;
        if (_path is not null)
            File.Delete(_path);
        _listener = new Socket(
            where.AddressFamily,
            SocketType.Stream,
            _path is null ? ProtocolType.Tcp : ProtocolType.Unspecified
        );
        try
        {
            _listener.Bind(where);
            _listener.Listen();
        }
        catch (SocketException e)
        {
            _listener.Dispose();
            throw new IOException($"Cannot listen on {where}: {e.Message}.", e);
        }
    }

    /// <summary>The peers that are connected now.</summary>
    protected ZmtpPeer[] Peers
    {
        get
        {
            lock (_peers)
                return [.. _peers];
        }
    }

    /// <summary>Begins to accept peers.</summary>
    public void Start() => Background($"{_type} accept", Accept);

    /// <summary>Waits until everything has been sent, or until the time is up.</summary>
    public void Drain(DateTime until)
    {
        foreach (var peer in Peers)
            peer.Outbox.Drain(until);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _closed = true;
        _listener.Dispose();
        foreach (var peer in Peers)
            peer.Dispose();
        if (_path is not null)
            File.Delete(_path);
    }

    /// <summary>Takes a message; on the peer's own thread.</summary>
    protected abstract void Received(ZmtpPeer peer, byte[][] message);

    /// <summary>Sends a message to a peer; a lost one is told in the log.</summary>
    protected void Post(ZmtpPeer peer, byte[][] message)
    {
        if (!peer.Outbox.Post(message) && !_closed)
            _log($"A message to a {peer.Connection.PeerType} peer was dropped: the peer has gone, or takes nothing.");
    }

    private static void Background(string name, Action body) =>
        new Thread(() => body(), StackSize) { IsBackground = true, Name = name }.Start();

    private void Accept()
    {
        while (!_closed)
        {
            try
            {
                var socket = _listener.Accept();
                Background($"{_type} read", () => Serve(socket));
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // A peer that left before it was accepted, or too many open files: neither is the end.
                if (!_closed)
                    Thread.Sleep(100);
            }
        }
    }

    private void Serve(Socket socket)
    {
        ZmtpPeer? peer = null;
        using var connection = new ZmtpConnection(new NetworkStream(socket, ownsSocket: true));
        try
        {
            if (_path is null)
                KeepAlive(socket);
            (socket.ReceiveTimeout, socket.SendTimeout) = (
                (int)GreetingLimit.TotalMilliseconds,
                (int)GreetingLimit.TotalMilliseconds
            );
            connection.Greet(_type, []);
            (socket.ReceiveTimeout, socket.SendTimeout) = (0, 0);
            if (!_peerTypes.Contains(connection.PeerType))
                throw new ZmtpException(
                    $"it is a {connection.PeerType} socket, and a {_type} socket talks "
                        + $"to {string.Join(" and ", _peerTypes)}"
                );
            peer = Add(connection);
            Background($"{_type} write", peer.Write);
            while (connection.Receive() is { } message)
                Received(peer, message);
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            if (!_closed && (peer is null || e is ZmtpException or EndOfStreamException))
                _log($"A connection to the {_type} socket was dropped: {e.Message.TrimEnd('.')}.");
        }
        finally
        {
            if (peer is not null)
                Remove(peer);
        }
    }

    private static void KeepAlive(Socket socket)
    {
        socket.NoDelay = true;
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
    }

    private ZmtpPeer Add(ZmtpConnection connection)
    {
        lock (_peers)
        {
            byte[] identity = connection.PeerIdentity is { Length: > 0 } own
                ? own
                : [0, .. BitConverter.GetBytes(++_given)];
            var peer = new ZmtpPeer(connection, identity, new Outbox(Capacity, Patience));
            _peers.Add(peer);
            if (_closed)
                peer.Dispose();
            return peer;
        }
    }

    private void Remove(ZmtpPeer peer)
    {
        lock (_peers)
            _peers.Remove(peer);
        peer.Dispose();
    }
}
