using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using static PatchKit.Torch.Distributed.KeyValueProtocol;

namespace PatchKit.Torch.Distributed;

/// <summary>
/// The key-value store at which ranks meet, served by rank 0. Every connection has a thread of its own, so that
/// heartbeats do not wait for a busy thread pool. Who does not greet as a rank of this job is sent away; nothing that
/// strangers send is kept.
/// </summary>
internal sealed class KeyValueServer : IDisposable
{
    private const int MostStrangers = 64,
        StackBytes = 256 << 10;
    private static readonly TimeSpan ForGreeting = TimeSpan.FromSeconds(10);
    private readonly int _ranks;
    private readonly string _job;
    private readonly TcpListener _listener;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, byte[]> _values = [];
    private readonly Dictionary<string, long> _counters = [];
    private readonly Dictionary<int, Guid> _members = [];
    private readonly HashSet<TcpClient> _clients = [];
    private int _strangers;
    private bool _closed;
    private IPAddress? _reachedAt;

    /// <summary>Opens the port: to this machine alone where the ranks meet at its loopback address.</summary>
    /// <param name="place">rank 0's.</param>
    /// <param name="job">the job's name; a rank of another one is sent away.</param>
    /// <exception cref="IOException">The port cannot be opened.</exception>
    internal KeyValueServer(RankPlace place, string job)
    {
        (_ranks, _job, _listener) = (place.Ranks, job, Listener(place));
        try
        {
            _listener.Start(backlog: 1024);
        }
        catch (SocketException e)
        {
            throw new IOException(
                e.SocketErrorCode == SocketError.AddressAlreadyInUse
                    ? $"rank 0 cannot open port {place.Port}, which is taken: by another job, or another program"
                    : $"rank 0 cannot open port {place.Port}: {e.Message}",
                e
            );
        }
        new Thread(Accept) { IsBackground = true, Name = "store" }.Start();
    }

    /// <summary>This machine's address at which ranks of other machines have reached it; null while none has.</summary>
    internal IPAddress? ReachedAt
    {
        get
        {
            lock (_lock)
                return _reachedAt;
        }
    }

    /// <summary>Closes the port and all connections.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _closed = true;
            foreach (var client in _clients)
                client.Dispose();
        }
        _listener.Dispose();
    }

    private static TcpListener Listener(RankPlace place)
    {
        var loopback =
            place.Host == "localhost" ? IPAddress.Loopback
            : IPAddress.TryParse(place.Host, out var address) && IPAddress.IsLoopback(address) ? address
            : null;
        if (loopback is not null)
            return new TcpListener(loopback, place.Port);
        if (!Socket.OSSupportsIPv6)
            return new TcpListener(IPAddress.Any, place.Port);
        var both = new TcpListener(IPAddress.IPv6Any, place.Port);
        both.Server.DualMode = true;
        return both;
    }

    private void Accept()
    {
        while (true)
        {
            try
            {
                var client = _listener.AcceptTcpClient();
                if (Admitted(client))
                    new Thread(() => Serve(client), StackBytes) { IsBackground = true, Name = "store" }.Start();
                else
                    client.Dispose();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
            {
                lock (_lock)
                {
                    if (_closed)
                        return;
                }
                Thread.Sleep(100); // out of descriptors, or the caller was gone already
            }
        }
    }

    private bool Admitted(TcpClient client)
    {
        lock (_lock)
        {
            if (_closed || _strangers >= MostStrangers)
                return false;
            _strangers++;
            return _clients.Add(client);
        }
    }

    private void Serve(TcpClient client)
    {
        try
        {
            client.NoDelay = true;
            var stream = client.GetStream();
            if (!Greeted(client, stream))
                return;
            while (true)
                Send(stream, Answer(Receive(stream)));
        }
        catch (Exception e)
            when (e is IOException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // The client has gone, or speaks another language. If it was a rank, its heartbeat says so.
        }
        finally
        {
            lock (_lock)
                _clients.Remove(client);
            client.Dispose();
        }
    }

    private bool Greeted(TcpClient client, NetworkStream stream)
    {
        try
        {
            client.ReceiveTimeout = (int)ForGreeting.TotalMilliseconds;
            if (!ReceiveMagic(stream) || Greeting.From(Receive(stream, MostGreetingBytes)) is not { } greeting)
                return false;
            client.ReceiveTimeout = 0;
            string refusal = Refusal(greeting, ((IPEndPoint)client.Client.LocalEndPoint!).Address);
            stream.Write(Magic);
            Send(stream, System.Text.Encoding.UTF8.GetBytes(refusal));
            return refusal.Length == 0;
        }
        finally
        {
            lock (_lock)
                _strangers--;
        }
    }

    private string Refusal(Greeting greeting, IPAddress reachedAt)
    {
        lock (_lock)
        {
            if (greeting.Job != _job)
                return $"the job there is \"{_job}\", and this one \"{greeting.Job}\"";
            if (greeting.Ranks != _ranks)
                return $"the job there has {_ranks} ranks, and this one {greeting.Ranks}";
            if (greeting.Rank < 0 || greeting.Rank >= _ranks)
                return $"there is no rank {greeting.Rank} of {_ranks}";
            if (_members.TryAdd(greeting.Rank, greeting.Member) || _members[greeting.Rank] == greeting.Member)
            {
                if (!IPAddress.IsLoopback(reachedAt))
                    _reachedAt ??= reachedAt;
                return "";
            }
            return $"there is a rank {greeting.Rank} already, so that two jobs use one port";
        }
    }

    private byte[] Answer(byte[] request)
    {
        var (verb, key, value) = Parse(request);
        lock (_lock)
        {
            switch (verb)
            {
                case Verb.Set:
                    _values[key] = value;
                    return [];
                case Verb.Get:
                    return _values.TryGetValue(key, out byte[]? found) ? [1, .. found] : [];
                case Verb.Add when value.Length == sizeof(long):
                    long sum = _counters[key] =
                        _counters.GetValueOrDefault(key) + BinaryPrimitives.ReadInt64LittleEndian(value);
                    BinaryPrimitives.WriteInt64LittleEndian(value, sum);
                    return value;
                default:
                    throw new IOException($"a request of unknown kind {(byte)verb}");
            }
        }
    }
}
