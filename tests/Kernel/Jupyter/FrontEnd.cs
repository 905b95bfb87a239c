using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using CsNotebook.Jupyter;
using CsNotebook.Jupyter.Zmtp;
using Xunit;

namespace CsNotebook.Tests.Jupyter;

/// <summary>A kernel in this process and a front end that talks to it.</summary>
internal sealed class FrontEnd : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly string folder = Directory.CreateTempSubdirectory("csnb-").FullName;
    private readonly JupyterKernel kernel;
    private readonly Thread running;
    private readonly ZmtpConnection shell, control, stdin, iopub, heartbeat;

    public FrontEnd(string transport, string key = "secret")
    {
        Connection = transport == "ipc"
            ? new ConnectionFile("ipc", Path.Combine(folder, "k"), 1, 2, 3, 4, 5, key)
            : new ConnectionFile("tcp", "127.0.0.1", Port(), Port(), Port(), Port(), Port(), key);
        Codec = new MessageCodec(key, "front end");
        kernel = new JupyterKernel(Connection, TextWriter.Synchronized(Log));
        running = new Thread(kernel.Run) { IsBackground = true };
        running.Start();
        byte[] identity = Guid.NewGuid().ToByteArray();
        (shell, Shell) = Open(Connection.Shell, "DEALER", identity);
        (control, Control) = Open(Connection.Control, "DEALER", identity);
        (stdin, Stdin) = Open(Connection.Stdin, "DEALER", identity);
        (iopub, Iopub) = Open(Connection.Iopub, "SUB", []);
        (heartbeat, _) = Open(Connection.Heartbeat, "REQ", []);
        iopub.Send([[1]]);
        while (true)
        {
            Send("kernel_info_request", new JsonObject());
            Take(Shell);
            if (Iopub.TryTake(out _, 50))
                break;
        }
        Thread.Sleep(100);
        while (Iopub.TryTake(out _))
        {
        }

        static int Port() => ZmtpTests.Local().Port;
    }

    public ConnectionFile Connection { get; }

    public MessageCodec Codec { get; set; }

    public StringWriter Log { get; } = new();

    public BlockingCollection<Message> Shell { get; }

    public BlockingCollection<Message> Control { get; }

    public BlockingCollection<Message> Stdin { get; }

    public BlockingCollection<Message> Iopub { get; }

    /// <summary>Sends a request on the shell channel; its id.</summary>
    public string Send(string type, JsonObject content) => Send(shell, type, content);

    /// <summary>Sends a request on the control channel; its id.</summary>
    public string SendControl(string type, JsonObject content) => Send(control, type, content);

    /// <summary>Answers an input request.</summary>
    public void Answer(string text) => Send(stdin, "input_reply", new JsonObject { ["value"] = text });

    /// <summary>Sends a request and waits for the reply's content.</summary>
    public JsonObject Ask(string type, JsonObject content)
    {
        Send(type, content);
        var reply = Take(Shell);
        Assert.Equal(type.Replace("request", "reply", StringComparison.Ordinal), reply.Type);
        return reply.Content;
    }

    /// <summary>Runs a cell: the reply, and what was published for it between busy and idle.</summary>
    public (JsonObject Reply, List<Message> Shown) Run(string code, JsonObject? options = null)
    {
        string id = Send("execute_request", Cell(code, options));
        return (Take(Shell).Content, Published(id));
    }

    /// <summary>The content of an execute request.</summary>
    public static JsonObject Cell(string code, JsonObject? options = null)
    {
        var content = options ?? [];
        content["code"] = code;
        return content;
    }

    /// <summary>What was published for a request between busy and idle.</summary>
    public List<Message> Published(string id)
    {
        var shown = new List<Message>();
        while (true)
        {
            var message = Take(Iopub);
            Assert.Equal(id, Parent(message));
            if (message.Type != "status")
                shown.Add(message);
            else if ((string?)message.Content["execution_state"] == "idle")
                return shown;
        }
    }

    public static Message Take(BlockingCollection<Message> channel) =>
        channel.TryTake(out var message, Limit) ? message : throw new TimeoutException("The kernel is silent.");

    /// <summary>The id of the request that a message is for.</summary>
    public static string? Parent(Message message) => (string?)message.Content["__parent"];

    /// <summary>Whether the heart beats.</summary>
    public bool Beats()
    {
        heartbeat.Send([[], "ping"u8.ToArray()]);
        return heartbeat.Receive() is [[], var pong] && pong.AsSpan().SequenceEqual("ping"u8);
    }

    /// <summary>Waits for the end of the kernel.</summary>
    public bool Ended() => running.Join(Limit);

    public void Dispose()
    {
        kernel.Shutdown();
        running.Join(Limit);
        kernel.Dispose();
        foreach (var connection in new[] { shell, control, stdin, iopub, heartbeat })
            connection.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private string Send(ZmtpConnection connection, string type, JsonObject content)
    {
        var frames = Codec.Encode([], type, content, null);
        connection.Send(frames);
        return (string)JsonNode.Parse(frames[2])!["msg_id"]!;
    }

    private (ZmtpConnection Connection, BlockingCollection<Message> Messages) Open(int port, string type, byte[] identity)
    {
        var connection = ZmtpConnection.Connect(Connection.EndPoint(port), type, identity);
        var messages = new BlockingCollection<Message>();
        if (type != "REQ")
            new Thread(() => Read(connection, messages)) { IsBackground = true }.Start();
        return (connection, messages);
    }

    private void Read(ZmtpConnection connection, BlockingCollection<Message> messages)
    {
        var codec = Codec;
        try
        {
            while (connection.Receive() is { } frames)
            {
                var message = codec.Decode(frames);
                int delimiter = message.Identities.Length;
                message.Content["__parent"] = (string?)JsonNode.Parse(frames[delimiter + 3])!["msg_id"];
                messages.Add(message);
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
        }
    }
}
