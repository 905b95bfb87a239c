using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using CsNotebook.Jupyter;
using CsNotebook.Jupyter.Zmtp;
using Xunit;

namespace CsNotebook.Tests.Jupyter;

/// <summary>A front end that talks to a kernel.</summary>
internal sealed class FrontEnd : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly IDisposable kernel;
    private readonly ZmtpConnection shell,
        control,
        stdin,
        iopub,
        heartbeat;
    private readonly HashSet<string> interrupts = [];

    /// <summary>Of a kernel in this process.</summary>
    public FrontEnd(string transport, string key = "secret")
        : this(new LocalKernel(transport, key)) { }

    /// <summary>Of a kernel in another process, which ends with it.</summary>
    public FrontEnd(KernelProcess kernel)
        : this(kernel.Connection, kernel.Connect, kernel) { }

    private FrontEnd(LocalKernel local)
        : this(
            local.Connection,
            (port, type, identity) => ZmtpConnection.Connect(local.Connection.EndPoint(port), type, identity),
            local
        ) => Local = local;

    private FrontEnd(ConnectionFile connection, Func<int, string, byte[], ZmtpConnection> connect, IDisposable kernel)
    {
        this.kernel = kernel;
        Connection = connection;
        Codec = new MessageCodec(connection.Key, "front end");
        byte[] identity = Guid.NewGuid().ToByteArray();
        (shell, Shell) = Open(connect(connection.Shell, "DEALER", identity));
        (control, Control) = Open(connect(connection.Control, "DEALER", identity));
        (stdin, Stdin) = Open(connect(connection.Stdin, "DEALER", identity));
        (iopub, Iopub) = Open(connect(connection.Iopub, "SUB", []));
        heartbeat = connect(connection.Heartbeat, "REQ", []);
        iopub.Send([
            [1],
        ]);
        while (true)
        {
            Send("kernel_info_request", new JsonObject());
            Take(Shell);
            if (Iopub.TryTake(out _, 50))
                break;
        }
        Thread.Sleep(100);
        while (Iopub.TryTake(out _)) { }
    }

    public ConnectionFile Connection { get; }

    public MessageCodec Codec { get; set; }

    /// <summary>The kernel, where it is in this process.</summary>
    public LocalKernel? Local { get; }

    public BlockingCollection<Message> Shell { get; }

    public BlockingCollection<Message> Control { get; }

    public BlockingCollection<Message> Stdin { get; }

    public BlockingCollection<Message> Iopub { get; }

    /// <summary>Sends a request on the shell channel; its id.</summary>
    public string Send(string type, JsonObject content) => Send(shell, type, content);

    /// <summary>Sends a request on the control channel; its id.</summary>
    public string SendControl(string type, JsonObject content) => Send(control, type, content);

    /// <summary>Interrupts the running cell by message.</summary>
    public void Interrupt()
    {
        string id = SendControl("interrupt_request", []);
        interrupts.Add(id);
        Assert.Equal(id, Parent(Take(Control)));
    }

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

    /// <summary>What was published for a request between busy and idle, interrupts aside.</summary>
    public List<Message> Published(string id)
    {
        var shown = new List<Message>();
        while (true)
        {
            var message = Take(Iopub);
            if (interrupts.Contains(Parent(message)!))
                continue;
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
        heartbeat.Send([
            [],
            "ping"u8.ToArray(),
        ]);
        return heartbeat.Receive() is [[], var pong] && pong.AsSpan().SequenceEqual("ping"u8);
    }

    public void Dispose()
    {
        kernel.Dispose();
        foreach (var connection in new[] { shell, control, stdin, iopub, heartbeat })
            connection.Dispose();
    }

    private string Send(ZmtpConnection connection, string type, JsonObject content)
    {
        var frames = Codec.Encode([], type, content, null);
        connection.Send(frames);
        return (string)JsonNode.Parse(frames[2])!["msg_id"]!;
    }

    private (ZmtpConnection Connection, BlockingCollection<Message> Messages) Open(ZmtpConnection connection)
    {
        var messages = new BlockingCollection<Message>();
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
        catch (Exception e) when (e is IOException or ObjectDisposedException) { }
    }
}
