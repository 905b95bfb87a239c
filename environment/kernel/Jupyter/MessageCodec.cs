using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CsNotebook.Jupyter;

/// <summary>
/// Jupyter messages as frames: identities, <c>&lt;IDS|MSG&gt;</c>, the signature, then header, parent header, metadata
/// and content as JSON. (jupyter-client.readthedocs.io/en/stable/messaging.html)
/// </summary>
/// <param name="key">the key of the signatures; empty for none.</param>
/// <param name="session">the name under which messages are sent.</param>
internal sealed class MessageCodec(string key, string session)
{
    /// <summary>The version of the messaging protocol.</summary>
    public const string Version = "5.3";

    private static readonly JsonSerializerOptions Json = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly byte[] _key = Encoding.UTF8.GetBytes(key);

    private static ReadOnlySpan<byte> Delimiter => "<IDS|MSG>"u8;

    /// <summary>A new message as frames.</summary>
    /// <param name="identities">the frames before the delimiter: whom it is for, or the topic.</param>
    /// <param name="type">the message's type.</param>
    /// <param name="content">its content.</param>
    /// <param name="parent">the header of the message that this one answers.</param>
    public byte[][] Encode(byte[][] identities, string type, JsonObject content, JsonObject? parent)
    {
        byte[][] parts = [Bytes(Header(type, session)), Bytes(parent ?? []), Bytes([]), Bytes(content)];
        return [.. identities, Delimiter.ToArray(), Sign(parts), .. parts];
    }

    /// <summary>The header of a new message.</summary>
    public static JsonObject Header(string type, string session) =>
        new()
        {
            ["msg_id"] = Guid.NewGuid().ToString("N"),
            ["session"] = session,
            ["username"] = "kernel",
            ["date"] = DateTime.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture),
            ["msg_type"] = type,
            ["version"] = Version,
        };

    /// <summary>Reads a message that came in.</summary>
    /// <exception cref="InvalidDataException">It is no Jupyter message, or signed with another key.</exception>
    public Message Decode(byte[][] frames)
    {
        int at = Array.FindIndex(frames, f => f.AsSpan().SequenceEqual(Delimiter));
        if (at < 0 || frames.Length < at + 6)
            throw new InvalidDataException("it is not framed as a Jupyter message");
        var parts = frames[(at + 2)..(at + 6)];
        if (_key.Length > 0 && !CryptographicOperations.FixedTimeEquals(Sign(parts), frames[at + 1]))
            throw new InvalidDataException(
                "its signature is wrong; it was signed with another key than the connection file's"
            );
        try
        {
            var header = Object(parts[0]);
            // The look-up is what finds a name that is there twice.
            string type = (string?)header["msg_type"] ?? throw new JsonException("the header has no msg_type");
            return new Message(frames[..at], type, header, Object(parts[3]));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            throw new InvalidDataException($"its JSON is broken: {e.Message.TrimEnd('.')}", e);
        }
    }

    private static JsonObject Object(byte[] utf8) =>
        JsonNode.Parse(utf8) as JsonObject ?? throw new JsonException("it has no object where one belongs");

    private static byte[] Bytes(JsonObject json) => Encoding.UTF8.GetBytes(json.ToJsonString(Json));

    private byte[] Sign(byte[][] parts)
    {
        if (_key.Length == 0)
            return [];
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, _key);
        foreach (byte[] part in parts)
            hash.AppendData(part);
        return Encoding.ASCII.GetBytes(Convert.ToHexStringLower(hash.GetHashAndReset()));
    }
}
