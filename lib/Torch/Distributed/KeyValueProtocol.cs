using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

namespace PatchKit.Torch.Distributed;

/// <summary>
/// What the two sides of the ranks' key-value store say to each other over TCP. Both begin with <see cref="Magic"/>, by
/// which strangers are told apart before anything they sent is believed, and go on in frames: a length of four bytes,
/// and so many bytes. The client's first frame is its <see cref="Greeting"/>, the server's a sentence that refuses it,
/// or nothing.
/// </summary>
internal static class KeyValueProtocol
{
    /// <summary>The longest frame.</summary>
    internal const int MostBytes = 64 << 20;

    /// <summary>The longest greeting.</summary>
    internal const int MostGreetingBytes = 4096;

    private const int MostKeyBytes = 1024,
        LengthBytes = 4;

    /// <summary>What a request asks for.</summary>
    internal enum Verb : byte
    {
        /// <summary>Set a key's value; answered by nothing.</summary>
        Set,

        /// <summary>A key's value; answered by a 1 and the value, or by nothing where there is none.</summary>
        Get,

        /// <summary>Add eight bytes to a counter; answered by its new value.</summary>
        Add,
    }

    /// <summary>The first bytes of either side, with the protocol's version.</summary>
    internal static ReadOnlySpan<byte> Magic => "PatchKit store 1"u8;

    /// <summary>The bytes of a request.</summary>
    /// <exception cref="ArgumentException">The key or the value is too long.</exception>
    internal static byte[] Request(Verb verb, string key, ReadOnlySpan<byte> value)
    {
        byte[] name = Encoding.UTF8.GetBytes(key);
        if (name.Length > MostKeyBytes || value.Length > MostBytes - MostKeyBytes - 3)
        {
            throw new ArgumentException(
                $"a key of {name.Length} bytes with a value of {value.Length} is too large for the store of the "
                    + $"ranks; it takes {MostKeyBytes} and {MostBytes - MostKeyBytes - 3}."
            );
        }
        byte[] request = new byte[3 + name.Length + value.Length];
        request[0] = (byte)verb;
        BinaryPrimitives.WriteUInt16LittleEndian(request.AsSpan(1), (ushort)name.Length);
        name.CopyTo(request.AsSpan(3));
        value.CopyTo(request.AsSpan(3 + name.Length));
        return request;
    }

    /// <summary>A request's parts.</summary>
    /// <exception cref="IOException">It is none.</exception>
    internal static (Verb Verb, string Key, byte[] Value) Parse(ReadOnlySpan<byte> request)
    {
        int length = request.Length < 3 ? MostKeyBytes : BinaryPrimitives.ReadUInt16LittleEndian(request[1..]);
        if (request.Length < 3 + length)
            throw new IOException($"a request of {request.Length} bytes is cut short");
        return ((Verb)request[0], Encoding.UTF8.GetString(request.Slice(3, length)), request[(3 + length)..].ToArray());
    }

    /// <summary>Sends a frame.</summary>
    internal static void Send(Stream stream, ReadOnlySpan<byte> bytes)
    {
        byte[] frame = new byte[LengthBytes + bytes.Length]; // in one piece, which one packet carries
        BinaryPrimitives.WriteInt32LittleEndian(frame, bytes.Length);
        bytes.CopyTo(frame.AsSpan(LengthBytes));
        stream.Write(frame);
    }

    /// <summary>Waits for a frame.</summary>
    /// <exception cref="IOException">The connection ends, or the frame is longer than allowed.</exception>
    internal static byte[] Receive(Stream stream, int most = MostBytes)
    {
        Span<byte> length = stackalloc byte[LengthBytes];
        stream.ReadExactly(length);
        int bytes = BinaryPrimitives.ReadInt32LittleEndian(length);
        if (bytes < 0 || bytes > most)
            throw new IOException($"a message of {bytes} bytes came where at most {most} are allowed");
        byte[] frame = new byte[bytes];
        stream.ReadExactly(frame);
        return frame;
    }

    /// <summary>Waits for the other side's first bytes, and says whether they are this protocol's.</summary>
    internal static bool ReceiveMagic(Stream stream)
    {
        Span<byte> magic = stackalloc byte[Magic.Length];
        stream.ReadExactly(magic);
        return magic.SequenceEqual(Magic);
    }

    /// <summary>How a rank introduces each of its connections.</summary>
    /// <param name="Rank">its number.</param>
    /// <param name="Ranks">how many there are in its job.</param>
    /// <param name="Member">its membership in the group, the same for all its connections.</param>
    /// <param name="Job">its job's name, if that has one.</param>
    internal sealed record Greeting(int Rank, int Ranks, Guid Member, string Job)
    {
        internal byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this);

        internal static Greeting? From(byte[] bytes)
        {
            try
            {
                return JsonSerializer.Deserialize<Greeting>(bytes);
            }
            catch (JsonException)
            {
                return null;
            }
        }
    }
}
