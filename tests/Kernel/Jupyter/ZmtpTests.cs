using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using CsNotebook.Jupyter.Zmtp;
using Xunit;

namespace CsNotebook.Tests.Jupyter;

/// <summary>ZMTP 3.0 byte by byte, and sockets against peers that behave badly.</summary>
[Trait("speed", "seconds")]
public sealed class ZmtpTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);
    private static int lastPort = 16_000 + Environment.ProcessId % 12_000;

    private readonly ConcurrentQueue<string> log = new();

    [Fact]
    public void Frames_have_the_bytes_of_the_specification()
    {
        Assert.Equal("01-01-61-00-00", BitConverter.ToString(Written(c => c.Send(["a"u8.ToArray(), []]))));
        var written = Written(c => c.Send([new byte[255], new byte[256]]));
        Assert.Equal([1, 255], written[..2]);
        Assert.Equal([2, 0, 0, 0, 0, 0, 0, 1, 0], written[257..266]);
        Assert.Equal(257 + 9 + 256, written.Length);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(int.MaxValue)]
    public void Messages_survive_fragmentation(int atMost)
    {
        byte[][] first =
        [
            [],
            [1],
            RandomNumberGenerator.GetBytes(255),
            RandomNumberGenerator.GetBytes(256),
            RandomNumberGenerator.GetBytes(70_000),
        ];
        byte[][] second = [RandomNumberGenerator.GetBytes(3_000_000)];
        var bytes = Written(c =>
        {
            c.Send(first);
            c.Send(second);
        });
        using var connection = new ZmtpConnection(new ScriptedStream(bytes, atMost));
        Assert.Equal(first, connection.Receive());
        Assert.Equal(second, connection.Receive());
        Assert.Null(connection.Receive());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    public void Two_sides_greet_each_other(int atMost)
    {
        using var other = new ScriptedStream(Greeting(), 64);
        using (var connection = new ZmtpConnection(other))
            connection.Greet("DEALER", "me"u8.ToArray());
        var transport = new ScriptedStream(other.Outgoing.ToArray(), atMost);
        using var subject = new ZmtpConnection(transport);
        subject.Greet("ROUTER", []);
        Assert.Equal(("DEALER", "me"), (subject.PeerType, Encoding.UTF8.GetString(subject.PeerIdentity)));
    }

    [Fact]
    public void Commands_are_answered_between_messages()
    {
        byte[] bytes =
        [
            4,
            9,
            .. "\x04PING\0\x0Axy"u8,
            0,
            1,
            7,
            4,
            11,
            .. "\x09SUBSCRIBEa"u8,
            4,
            8,
            .. "\u0006CANCELa"u8,
        ];
        var transport = new ScriptedStream(bytes, 1);
        using var connection = new ZmtpConnection(transport);
        Assert.Equal(
            [
                [7],
            ],
            connection.Receive()!
        );
        Assert.Equal([4, 7, .. "\x04PONGxy"u8], transport.Outgoing.ToArray());
        Assert.Equal(
            [
                [1, (byte)'a'],
            ],
            connection.Receive()!
        );
        Assert.Equal(
            [
                [0, (byte)'a'],
            ],
            connection.Receive()!
        );
    }

    [Fact]
    public void What_is_not_ZMTP_is_refused_with_a_reason()
    {
        Assert.Contains(
            "does not begin",
            Refusal(Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")),
            StringComparison.Ordinal
        );
        Assert.Contains("ZMTP 1", Refusal(With(Greeting(), 10, 1)), StringComparison.Ordinal);
        Assert.Contains("PLAIN", Refusal(With(Greeting(), 12, [.. "PLAIN"u8])), StringComparison.Ordinal);
        Assert.Contains("READY", Refusal([.. Greeting()[..64], 0, 1, 5]), StringComparison.Ordinal);
        Assert.Contains(
            "cut short",
            Refusal([.. Greeting()[..64], 4, 9, .. "\x05READY\x09So"u8]),
            StringComparison.Ordinal
        );
        Assert.Throws<EndOfStreamException>(() => Greet(Greeting()[..40]));
    }

    [Theory]
    [InlineData(new byte[] { 0xff, 1, 2 })]
    [InlineData(new byte[] { 5, 1, 2 })]
    [InlineData(new byte[] { 2, 0x40, 0, 0, 0, 0, 0, 0, 0 })]
    [InlineData(new byte[] { 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff })]
    public void Impossible_frames_are_refused(byte[] bytes)
    {
        using var connection = new ZmtpConnection(new ScriptedStream(bytes, 64));
        Assert.Throws<ZmtpException>(connection.Receive);
    }

    [Theory]
    [InlineData(new byte[] { 0 })]
    [InlineData(new byte[] { 1, 1, 7 })]
    [InlineData(new byte[] { 2, 0, 0, 0, 0, 0x10, 0, 0, 0, 1, 2, 3 })]
    public void A_message_cut_short_is_no_message(byte[] bytes)
    {
        using var connection = new ZmtpConnection(new ScriptedStream(bytes, 64));
        Assert.Throws<EndOfStreamException>(connection.Receive);
    }

    [Fact]
    public void Any_bytes_end_in_an_exception_that_is_caught()
    {
        var random = new Random(1);
        for (int i = 0; i < 2000; i++)
        {
            var bytes = new byte[random.Next(200)];
            random.NextBytes(bytes);
            using var connection = new ZmtpConnection(new ScriptedStream([.. Greeting(), .. bytes], 64));
            connection.Greet("ROUTER", []);
            try
            {
                while (connection.Receive() is not null) { }
            }
            catch (IOException) { }
        }
    }

    [Fact]
    public void A_full_outbox_waits_then_loses_messages_until_it_is_half_empty()
    {
        using var box = new Outbox(1000, TimeSpan.FromMilliseconds(50));
        byte[][] message = [new byte[400]];
        Assert.True(box.Post(message));
        Assert.True(box.Post(message));
        Assert.False(box.Post(message));
        box.Sent(box.Next()!);
        Assert.False(box.Post(message));
        box.Sent(box.Next()!);
        Assert.True(box.Post(message));
    }

    [Fact]
    public void Subscribers_get_their_topics()
    {
        var (where, _) = Local();
        using var socket = new PublisherSocket(where, log.Enqueue);
        socket.Start();
        using var peer = ZmtpConnection.Connect(where, "SUB", []);
        peer.Send([
            [1, .. "a"u8],
        ]);
        peer.Send([
            [1, .. "b"u8],
        ]);
        peer.Send([
            [0, .. "b"u8],
        ]);
        // Until the subscription has arrived nothing does.
        using var stop = new Timer(_ => socket.Send(["bc"u8.ToArray()]), null, 0, 5);
        using var go = new Timer(_ => socket.Send(["ab"u8.ToArray(), "x"u8.ToArray()]), null, 100, 20);
        Assert.Equal("ab", First(peer));

        static string First(ZmtpConnection peer)
        {
            // "bc" may slip in between the second subscription and its end.
            while (true)
            {
                string topic = Encoding.UTF8.GetString(peer.Receive()![0]);
                if (topic == "ab")
                    return topic;
            }
        }
    }

    [Fact]
    public async Task A_subscriber_that_takes_nothing_does_not_stop_the_others()
    {
        var (where, _) = Local();
        using var socket = new PublisherSocket(where, log.Enqueue);
        socket.Start();
        using var stuck = ZmtpConnection.Connect(where, "SUB", []);
        using var lively = ZmtpConnection.Connect(where, "SUB", []);
        stuck.Send([
            [1],
        ]);
        lively.Send([
            [1],
        ]);
        int taken = 0;
        var reader = Task.Run(
            () =>
            {
                while (lively.Receive() is { } message && message[0].Length > 0)
                    taken++;
            },
            TestContext.Current.CancellationToken
        );
        await Task.Delay(300, TestContext.Current.CancellationToken);
        for (int i = 0; i < 100; i++)
            socket.Send([new byte[1 << 20]]);
        socket.Send([
            [],
        ]);
        await reader.WaitAsync(Limit, TestContext.Current.CancellationToken);
        Assert.Equal(100, taken);
        Assert.Contains(log, l => l.Contains("dropped", StringComparison.Ordinal));
    }

    [Fact]
    public void Garbage_ends_its_own_connection_only()
    {
        var (where, _) = Local();
        using var arrived = new BlockingCollection<byte[][]>();
        using var socket = new RouterSocket(where, arrived.Add, log.Enqueue);
        socket.Start();
        using var halfOpen = new TcpClient();
        halfOpen.Connect(where);
        using (var garbage = new TcpClient())
        {
            garbage.Connect(where);
            garbage.GetStream().Write(RandomNumberGenerator.GetBytes(64).Select(b => (byte)(b & 0x7f)).ToArray());
            Assert.True(
                SpinWait.SpinUntil(() => log.Any(l => l.Contains("does not begin", StringComparison.Ordinal)), Limit)
            );
        }
        using (var subscriber = ZmtpConnection.Connect(where, "SUB", []))
            Assert.True(
                SpinWait.SpinUntil(() => log.Any(l => l.Contains("SUB socket", StringComparison.Ordinal)), Limit)
            );

        using var peer = ZmtpConnection.Connect(where, "DEALER", "p"u8.ToArray());
        peer.Send(["hello"u8.ToArray()]);
        Assert.True(arrived.TryTake(out var message, Limit));
        Assert.Equal(["p"u8.ToArray(), "hello"u8.ToArray()], message);
        Assert.True(socket.Send(["p"u8.ToArray(), "there"u8.ToArray()]));
        Assert.Equal(["there"u8.ToArray()], peer.Receive());
        Assert.False(socket.Send(["q"u8.ToArray(), "?"u8.ToArray()]));
    }

    [Fact]
    public void A_peer_that_comes_back_takes_its_name_over()
    {
        var (where, _) = Local();
        using var arrived = new BlockingCollection<byte[][]>();
        using var socket = new RouterSocket(where, arrived.Add, log.Enqueue);
        socket.Start();
        using var old = ZmtpConnection.Connect(where, "DEALER", "p"u8.ToArray());
        old.Send([
            [1],
        ]);
        Assert.True(arrived.TryTake(out _, Limit));
        using var back = ZmtpConnection.Connect(where, "DEALER", "p"u8.ToArray());
        back.Send([
            [2],
        ]);
        Assert.True(arrived.TryTake(out _, Limit));
        socket.Send(["p"u8.ToArray(), [3]]);
        Assert.Equal(
            [
                [3],
            ],
            back.Receive()!
        );
    }

    /// <summary>
    /// A free place on the loopback, never the same twice, and below the ports that the system gives to whoever
    /// connects.
    /// </summary>
    internal static (IPEndPoint Where, int Port) Local()
    {
        while (true)
        {
            var where = new IPEndPoint(IPAddress.Loopback, Interlocked.Increment(ref lastPort));
            using var finder = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                finder.Bind(where);
                return (where, where.Port);
            }
            catch (SocketException) { }
        }
    }

    private static byte[] Written(Action<ZmtpConnection> send)
    {
        var transport = new ScriptedStream([], 1);
        using var connection = new ZmtpConnection(transport);
        send(connection);
        return transport.Outgoing.ToArray();
    }

    /// <summary>What a peer without properties sends at first.</summary>
    private static byte[] Greeting() =>
        [
            0xff,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0x7f,
            3,
            0,
            .. "NULL"u8,
            .. new byte[16],
            .. new byte[32],
            4,
            6,
            .. "\x05READY"u8,
        ];

    private static byte[] With(byte[] bytes, int at, params byte[] other)
    {
        other.CopyTo(bytes, at);
        return bytes;
    }

    private static void Greet(byte[] incoming)
    {
        using var connection = new ZmtpConnection(new ScriptedStream(incoming, 64));
        connection.Greet("ROUTER", []);
    }

    private static string Refusal(byte[] incoming) => Assert.Throws<ZmtpException>(() => Greet(incoming)).Message;
}
