using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace CsNotebook.Jupyter.Zmtp;

/// <summary>
/// One connection in ZMTP 3.0 (rfc.zeromq.org/spec/23) with the NULL mechanism, seen from either end: a greeting,
/// READY, then messages of one or more frames. One thread may receive while another sends. Blocking, so that nothing
/// here waits for a thread pool that a cell keeps busy.
/// </summary>
/// <param name="stream">the transport; closed with the connection.</param>
/// <param name="maxMessage">the most bytes that a message may have.</param>
internal sealed class ZmtpConnection(Stream stream, long maxMessage = 1L << 30) : IDisposable
{
    private const int More = 1,
        Long = 2,
        Command = 4;
    private const int GreetingSize = 64;

    /// <summary>Memory is taken as bytes arrive, not as a frame's length promises.</summary>
    private const int Chunk = 1 << 20;

    private readonly BufferedStream _input = new(stream, 1 << 14);
    private readonly object _sending = new();

    /// <summary>
    /// What the peer calls itself: <c>DEALER</c>, <c>SUB</c>, <c>REQ</c>; known after <see cref="Greet"/>.
    /// </summary>
    public string PeerType { get; private set; } = "";

    /// <summary>The peer's identity, or nothing.</summary>
    public byte[] PeerIdentity { get; private set; } = [];

    /// <summary>Connects to a socket that listens; greets it.</summary>
    public static ZmtpConnection Connect(EndPoint where, string type, byte[] identity)
    {
        var socket = new Socket(
            where.AddressFamily,
            SocketType.Stream,
            where is IPEndPoint ? ProtocolType.Tcp : ProtocolType.Unspecified
        );
        try
        {
            socket.Connect(where);
            var connection = new ZmtpConnection(new NetworkStream(socket, ownsSocket: true));
            connection.Greet(type, identity);
            return connection;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Exchanges greetings and READY.</summary>
    /// <param name="type">this side's socket type.</param>
    /// <param name="identity">this side's identity; may be empty.</param>
    /// <exception cref="ZmtpException">The peer speaks something else.</exception>
    public void Greet(string type, byte[] identity)
    {
        var greeting = new byte[GreetingSize];
        (greeting[0], greeting[9], greeting[10]) = (0xff, 0x7f, 3);
        "NULL"u8.CopyTo(greeting.AsSpan(12));
        stream.Write(greeting);

        // The signature first: what is not ZMTP may never send 64 bytes.
        Exactly(greeting.AsSpan(0, 10));
        if (greeting[0] != 0xff || (greeting[9] & 1) == 0)
            throw new ZmtpException("it does not begin as ZMTP does");
        Exactly(greeting.AsSpan(10));
        if (greeting[10] < 3)
            throw new ZmtpException($"it speaks ZMTP {greeting[10]}, and ZMTP 3 is needed");
        string mechanism = Encoding.ASCII.GetString(greeting, 12, 20).TrimEnd('\0');
        if (mechanism != "NULL")
            throw new ZmtpException(
                $"it wants the security mechanism {Printable(mechanism)}, and only NULL is known here"
            );

        Write([
            (
                Command,
                [
                    .. "\x05READY"u8,
                    .. Property("Socket-Type", Encoding.ASCII.GetBytes(type)),
                    .. Property("Identity", identity),
                ]
            ),
        ]);
        var (flags, ready) = Frame(maxMessage) ?? throw new EndOfStreamException();
        if (flags != Command || !ready.AsSpan().StartsWith("\x05READY"u8))
            throw new ZmtpException("its greeting is not followed by READY");
        ReadProperties(ready.AsSpan(6));
    }

    /// <summary>The next message; null when the peer has gone. Commands are answered on the way.</summary>
    /// <exception cref="ZmtpException">What came is not ZMTP.</exception>
    /// <exception cref="IOException">The connection broke.</exception>
    /// <exception cref="ObjectDisposedException">This connection was disposed, perhaps meanwhile.</exception>
    public byte[][]? Receive() => UntilDisposed(ReadMessage);

    /// <summary>Sends a message.</summary>
    /// <exception cref="IOException">The connection broke.</exception>
    /// <exception cref="ObjectDisposedException">This connection was disposed, perhaps meanwhile.</exception>
    public void Send(IReadOnlyList<byte[]> message) =>
        UntilDisposed(() =>
        {
            Write([.. message.Select((frame, i) => (i < message.Count - 1 ? More : 0, frame))]);
            return true;
        });

    /// <inheritdoc/>
    public void Dispose() => stream.Dispose();

    // A stream that another thread disposes between two reads "does not support reading", as .NET has it.
    private T UntilDisposed<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (Exception e) when (e is NotSupportedException or InvalidOperationException && !stream.CanRead)
        {
            throw new ObjectDisposedException(nameof(ZmtpConnection), e);
        }
    }

    private byte[][]? ReadMessage()
    {
        var frames = new List<byte[]>();
        long left = maxMessage;
        while (Frame(left) is var (flags, body))
        {
            if ((flags & Command) != 0)
            {
                if (Answer(body) is { } subscription)
                    return [subscription];
                continue;
            }
            frames.Add(body);
            left -= body.Length + 64;
            if ((flags & More) == 0)
                return [.. frames];
        }
        return frames.Count == 0 ? null : throw new EndOfStreamException("it left in the middle of a message");
    }

    private void Write(IEnumerable<(int Flags, byte[] Body)> frames)
    {
        var bytes = new MemoryStream();
        Span<byte> size = stackalloc byte[8];
        foreach (var (flags, body) in frames)
        {
            if (body.Length < 256)
            {
                bytes.WriteByte((byte)flags);
                bytes.WriteByte((byte)body.Length);
            }
            else
            {
                BinaryPrimitives.WriteInt64BigEndian(size, body.Length);
                bytes.WriteByte((byte)(flags | Long));
                bytes.Write(size);
            }
            bytes.Write(body);
        }
        lock (_sending)
            stream.Write(bytes.GetBuffer().AsSpan(0, (int)bytes.Length));
    }

    private (int Flags, byte[] Body)? Frame(long limit)
    {
        int flags = _input.ReadByte();
        if (flags < 0)
            return null;
        if (flags > (More | Long | Command) || (flags & (More | Command)) == (More | Command))
            throw new ZmtpException($"a frame has the flags 0x{flags:x2}, which ZMTP does not know");
        Span<byte> size = stackalloc byte[8];
        size.Clear();
        Exactly((flags & Long) != 0 ? size : size[7..]);
        ulong length = BinaryPrimitives.ReadUInt64BigEndian(size);
        if (length > (ulong)Math.Max(limit, 0))
            throw new ZmtpException($"a message is longer than {maxMessage:N0} bytes");
        var body = new byte[Math.Min((int)length, Chunk)];
        Exactly(body);
        for (int have = body.Length; have < (int)length; have = body.Length)
        {
            Array.Resize(ref body, (int)Math.Min((long)length, 2L * have));
            Exactly(body.AsSpan(have));
        }
        return (flags & ~Long, body);
    }

    /// <summary>Answers PING; a subscription of ZMTP 3.1 becomes the message that it is in 3.0.</summary>
    private byte[]? Answer(byte[] command)
    {
        if (command.AsSpan().StartsWith("\x04PING"u8) && command.Length >= 7)
            Write([(Command, [.. "\x04PONG"u8, .. command[7..]])]);
        if (command.AsSpan().StartsWith("\x09SUBSCRIBE"u8))
            return [1, .. command[10..]];
        return command.AsSpan().StartsWith("\u0006CANCEL"u8) ? [0, .. command[7..]] : null;
    }

    private void ReadProperties(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            int name = bytes[0];
            if (
                bytes.Length < name + 5
                || BinaryPrimitives.ReadUInt32BigEndian(bytes[(name + 1)..]) > bytes.Length - name - 5
            )
                throw new ZmtpException("a property of its READY is cut short");
            int size = (int)BinaryPrimitives.ReadUInt32BigEndian(bytes[(name + 1)..]);
            var value = bytes.Slice(name + 5, size);
            switch (Encoding.ASCII.GetString(bytes.Slice(1, name)).ToLowerInvariant())
            {
                case "socket-type":
                    PeerType = Printable(Encoding.ASCII.GetString(value));
                    break;
                case "identity":
                    PeerIdentity = value.ToArray();
                    break;
            }
            bytes = bytes[(name + 5 + size)..];
        }
    }

    private static byte[] Property(string name, byte[] value)
    {
        var size = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(size, value.Length);
        return [(byte)name.Length, .. Encoding.ASCII.GetBytes(name), .. size, .. value];
    }

    private static string Printable(string text) =>
        string.Concat(text.Take(32).Select(c => char.IsAsciiLetterOrDigit(c) || c == '-' ? c : '?'));

    private void Exactly(Span<byte> bytes) => _input.ReadExactly(bytes);
}
