using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CsNotebook.Jupyter;

/// <summary>
/// Messages as lines of JSON over a pair of streams, for a front end that starts the kernel itself: no ports, no
/// ZeroMQ. A line has <c>channel</c>, <c>header</c>, <c>parent_header</c>, <c>metadata</c> and <c>content</c>, as on
/// the websocket of Jupyter's server.
/// </summary>
/// <param name="input">where requests come from; its end means that the front end has gone.</param>
/// <param name="output">where all messages go.</param>
/// <param name="log">receives a sentence for each thing that went wrong.</param>
internal sealed class StdioWire(Stream input, Stream output, Action<string> log) : IWire
{
    private const byte EndOfLine = (byte)'\n';

    private static readonly JsonSerializerOptions Json = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly string _session = Guid.NewGuid().ToString("N");
    private readonly object _turn = new();
    private bool _broken;

    /// <inheritdoc/>
    public void Start(Action<Channel, Message> received, Action gone) =>
        new Thread(() => Read(received, gone)) { IsBackground = true, Name = "requests" }.Start();

    /// <inheritdoc/>
    public bool Send(Channel channel, string type, JsonObject content, Message? parent)
    {
        var message = new JsonObject
        {
            ["channel"] = channel.ToString().ToLowerInvariant(),
            ["header"] = MessageCodec.Header(type, _session),
            ["parent_header"] = parent?.Header.DeepClone() ?? new JsonObject(),
            ["metadata"] = new JsonObject(),
            ["content"] = content,
        };
        byte[] line = [.. Encoding.UTF8.GetBytes(message.ToJsonString(Json)), EndOfLine];
        lock (_turn)
        {
            if (_broken)
                return false;
            try
            {
                output.Write(line);
                output.Flush();
                return true;
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                // The front end has gone; the end of its requests, which follows, ends the kernel.
                _broken = true;
                return false;
            }
        }
    }

    /// <inheritdoc/>
    public void Drain(DateTime until)
    {
        // Send returns when the message is written.
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // The streams belong to who made them.
    }

    private void Read(Action<Channel, Message> received, Action gone)
    {
        try
        {
            using var lines = new StreamReader(input, new UTF8Encoding(false), leaveOpen: true);
            while (lines.ReadLine() is { } line)
            {
                if (line.Length > 0)
                    Take(line, received);
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            log($"No more requests can be read: {e.Message}");
        }
        gone();
    }

    private void Take(string line, Action<Channel, Message> received)
    {
        try
        {
            var json = JsonNode.Parse(line) as JsonObject ?? throw new JsonException("it is no object");
            if (json["header"] is not JsonObject header || (string?)header["msg_type"] is not { } type)
                throw new JsonException("its header has no msg_type");
            Channel channel = (string?)json["channel"] switch
            {
                "shell" => Channel.Shell,
                "control" => Channel.Control,
                "stdin" => Channel.Stdin,
                var other => throw new JsonException($"its channel is '{other}', not shell, control or stdin"),
            };
            received(channel, new Message([], type, header, json["content"] as JsonObject ?? []));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            log($"A message was dropped: {e.Message.TrimEnd('.')}.");
        }
    }
}
