using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using static PatchKit.Torch.Distributed.KeyValueProtocol;

namespace PatchKit.Torch.Distributed;

/// <summary>
/// A rank's connection to the key-value store that rank 0 serves (<see cref="KeyValueServer"/>). Any thread may use it,
/// one at a time.
/// </summary>
internal sealed class KeyValueStore : IDisposable
{
    private static readonly TimeSpan Attempt = TimeSpan.FromSeconds(5),
        BetweenAttempts = TimeSpan.FromMilliseconds(100);
    private readonly string _address;
    private readonly TcpClient _client;
    private readonly Lock _lock = new();

    private KeyValueStore(string address, TcpClient client) => (_address, _client) = (address, client);

    /// <summary>This machine's address in the connection.</summary>
    internal IPAddress OwnAddress => ((IPEndPoint)_client.Client.LocalEndPoint!).Address;

    /// <summary>Connects, and waits for rank 0 to serve.</summary>
    /// <param name="place">this rank's.</param>
    /// <param name="member">its membership in the group, the same for all its connections.</param>
    /// <param name="job">the job's name.</param>
    /// <param name="within">how long to wait for rank 0.</param>
    /// <param name="silence">how long an answer may take from then on.</param>
    /// <exception cref="IOException">Rank 0 is not there in time, or it sends this rank away.</exception>
    internal static KeyValueStore Connect(RankPlace place, Guid member, string job, TimeSpan within, TimeSpan silence)
    {
        var (address, greeting, clock) = (
            $"{place.Host}:{place.Port}",
            new Greeting(place.Rank, place.Ranks, member, job),
            Stopwatch.StartNew()
        );
        while (true)
        {
            var client = new TcpClient();
            bool connected = false;
            try
            {
                Open(client, place);
                Introduce(client, greeting);
                client.ReceiveTimeout = client.SendTimeout = (int)Math.Min(int.MaxValue, silence.TotalMilliseconds);
                connected = true;
                return new KeyValueStore(address, client);
            }
            catch (Exception e)
                when (e
                        is SocketException
                            or EndOfStreamException
                            or OperationCanceledException
                            or IOException { InnerException: SocketException }
                )
            {
                if (clock.Elapsed < within)
                    Thread.Sleep(BetweenAttempts);
                else
                    throw new IOException(
                        $"no rank 0 answered at {address} within {within.TotalSeconds:0} s: {e.Message.TrimEnd('.')}",
                        e
                    );
            }
            finally
            {
                if (!connected)
                    client.Dispose();
            }
        }
    }

    /// <summary>Sets a key's value.</summary>
    /// <exception cref="IOException">The store does not answer.</exception>
    internal void Set(string key, ReadOnlySpan<byte> value) => Ask(Request(Verb.Set, key, value));

    /// <summary>Sets a key's text.</summary>
    /// <exception cref="IOException">The store does not answer.</exception>
    internal void Set(string key, string text) => Set(key, Encoding.UTF8.GetBytes(text));

    /// <summary>A key's value; null where it has none yet.</summary>
    /// <exception cref="IOException">The store does not answer.</exception>
    internal byte[]? TryGet(string key) => Ask(Request(Verb.Get, key, [])) is { Length: > 0 } found ? found[1..] : null;

    /// <summary>A key's text; null where it has none yet.</summary>
    /// <exception cref="IOException">The store does not answer.</exception>
    internal string? TryGetText(string key) => TryGet(key) is { } bytes ? Encoding.UTF8.GetString(bytes) : null;

    /// <summary>Whether a key has a value.</summary>
    /// <exception cref="IOException">The store does not answer.</exception>
    internal bool Has(string key) => TryGet(key) is not null;

    /// <summary>A key's value, waited for.</summary>
    /// <exception cref="IOException">It does not come in time, or the store does not answer.</exception>
    internal byte[] Get(string key, TimeSpan within)
    {
        var clock = Stopwatch.StartNew();
        for (int asked = 0; ; asked++)
        {
            if (TryGet(key) is { } value)
                return value;
            if (clock.Elapsed >= within)
                throw new IOException($"\"{key}\" did not come within {within.TotalSeconds:0} s");
            Thread.Sleep(asked < 100 ? 2 : 50);
        }
    }

    /// <summary>Adds to a counter, which begins at 0, in one indivisible step.</summary>
    /// <returns>its new value.</returns>
    /// <exception cref="IOException">The store does not answer.</exception>
    internal long Add(string key, long amount)
    {
        byte[] number = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(number, amount);
        return BinaryPrimitives.ReadInt64LittleEndian(Ask(Request(Verb.Add, key, number)));
    }

    /// <summary>Closes the connection.</summary>
    public void Dispose() => _client.Dispose();

    private static void Open(TcpClient client, RankPlace place)
    {
        using var limit = new CancellationTokenSource(Attempt);
        client.ConnectAsync(place.Host, place.Port, limit.Token).AsTask().GetAwaiter().GetResult();
    }

    private static void Introduce(TcpClient client, Greeting greeting)
    {
        client.NoDelay = true;
        client.ReceiveTimeout = (int)Attempt.TotalMilliseconds;
        var stream = client.GetStream();
        stream.Write(Magic);
        Send(stream, greeting.ToBytes());
        if (!ReceiveMagic(stream))
            throw new IOException("what answers there is another program, no rank 0 of PatchKit's");
        if (Receive(stream, MostGreetingBytes) is { Length: > 0 } refusal)
            throw new IOException(Encoding.UTF8.GetString(refusal));
    }

    private byte[] Ask(byte[] request)
    {
        lock (_lock)
        {
            try
            {
                var stream = _client.GetStream();
                Send(stream, request);
                return Receive(stream);
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
            {
                _client.Dispose(); // a late answer would be taken for the next request's
                throw new IOException(
                    $"the store that rank 0 serves at {_address} does not answer: {e.Message.TrimEnd('.')}",
                    e
                );
            }
        }
    }
}
