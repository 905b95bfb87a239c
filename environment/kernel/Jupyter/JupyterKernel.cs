using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using CsNotebook.Engine;
using CsNotebook.Jupyter.Zmtp;

namespace CsNotebook.Jupyter;

/// <summary>
/// A Jupyter kernel: a C# session behind the five channels of a connection file. Shell requests are answered one after
/// another, control requests at once beside them.
/// </summary>
internal sealed class JupyterKernel : IDisposable
{
    /// <summary>What a running cell gets to end, and a front end to take the last messages, at a shutdown.</summary>
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(2);

    private readonly TextWriter log;
    private readonly MessageCodec codec;
    private readonly RouterSocket shell, control, stdin;
    private readonly PublisherSocket iopub;
    private readonly EchoSocket heartbeat;
    private readonly Publisher publisher;
    private readonly InputChannel input;
    private readonly Shell requests;
    private readonly BlockingCollection<Message> waiting = [], urgent = [];
    private readonly HashSet<Message> aborted = new(ReferenceEqualityComparer.Instance);
    private readonly ManualResetEventSlim ended = new();
    private readonly Lazy<Task> warmUp;

    /// <summary>Listens on all channels; <see cref="Run"/> begins to answer.</summary>
    /// <param name="connection">Where to listen.</param>
    /// <param name="log">Receives a line for each thing that went wrong outside of cells.</param>
    /// <exception cref="IOException">A channel's place is taken.</exception>
    public JupyterKernel(ConnectionFile connection, TextWriter log)
    {
        this.log = log;
        codec = new MessageCodec(connection.Key, Guid.NewGuid().ToString("N"));
        input = new InputChannel(codec);
        shell = Router(connection.Shell, waiting.Add);
        control = Router(connection.Control, TakeControl);
        stdin = Router(connection.Stdin, input.Received);
        input.Socket = stdin;
        iopub = new PublisherSocket(connection.EndPoint(connection.Iopub), Log);
        heartbeat = new EchoSocket(connection.EndPoint(connection.Heartbeat), Log);
        publisher = new Publisher(iopub, codec);
        requests = new Shell(publisher, input) { AbortWaiting = AbortWaiting };
        warmUp = new(WarmUpAsync);

        RouterSocket Router(int port, Action<Message> take) => new(connection.EndPoint(port), frames => Take(frames, take), Log);
    }

    private IEnumerable<ZmtpSocket> Sockets => [iopub, stdin, control, shell, heartbeat];

    /// <summary>Answers requests until a shutdown is asked for and done.</summary>
    public void Run()
    {
        foreach (var socket in Sockets)
            socket.Start();
        publisher.Status("starting", null);
        var threads = new[] { Background("shell", waiting, shell), Background("control", urgent, control) };
        ended.Wait();
        requests.Interrupt();
        waiting.CompleteAdding();
        urgent.CompleteAdding();
        var until = DateTime.UtcNow + Farewell;
        foreach (var thread in threads)
            thread.Join(Max(until - DateTime.UtcNow, TimeSpan.Zero));
        foreach (var socket in Sockets)
            socket.Drain(until);
    }

    /// <summary>Stops the running cell, if there is one.</summary>
    public void Interrupt() => requests.Interrupt();

    /// <summary>Lets <see cref="Run"/> end.</summary>
    public void Shutdown() => ended.Set();

    /// <inheritdoc/>
    public void Dispose()
    {
        if (warmUp.IsValueCreated)
            warmUp.Value.Wait(Farewell);
        publisher.Dispose();
        foreach (var socket in Sockets)
            socket.Dispose();
        requests.Dispose();
    }

    private void Take(byte[][] frames, Action<Message> take)
    {
        try
        {
            take(codec.Decode(frames));
        }
        catch (InvalidDataException e)
        {
            Log($"A message was dropped: {e.Message}.");
        }
        catch (InvalidOperationException)
        {
            // It came after a shutdown, or its content has another form.
        }
    }

    /// <summary>An interrupt must not wait behind anything: it is done on arrival and answered in its turn.</summary>
    private void TakeControl(Message message)
    {
        if (message.Type == "interrupt_request")
            Interrupt();
        urgent.Add(message);
    }

    /// <summary>Marks the requests that wait now: they are to be answered, not done.</summary>
    private void AbortWaiting()
    {
        foreach (var message in waiting.Where(m => m.Type == "execute_request"))
            aborted.Add(message);
    }

    private Thread Background(string name, BlockingCollection<Message> messages, RouterSocket socket)
    {
        var thread = new Thread(() =>
        {
            foreach (var message in messages.GetConsumingEnumerable())
                Serve(message, socket);
        }) { IsBackground = true, Name = name };
        thread.Start();
        return thread;
    }

    private void Serve(Message request, RouterSocket socket)
    {
        publisher.Status("busy", request);
        JsonObject? content;
        try
        {
            content = socket == control || request.Type == "shutdown_request" ? AnswerControl(request)
                : aborted.Remove(request) || ended.IsSet ? new JsonObject { ["status"] = "aborted" }
                : requests.Answer(request);
        }
        catch (Exception e)
        {
            Log($"{request.Type} failed: {e}");
            content = Replies.Error(e.GetType().Name, e.Message, []);
        }
        if (content is not null && request.Type.EndsWith("_request", StringComparison.Ordinal))
        {
            string reply = request.Type[..^"request".Length] + "reply";
            socket.Send(codec.Encode(request.Identities, reply, content, request.Header));
        }
        publisher.Status("idle", request);
        if (request.Type == "shutdown_request")
            Shutdown();
        // Its front end knows it now, and a person takes a while over the first cell.
        if (request.Type == "kernel_info_request")
            _ = warmUp.Value;
    }

    private async Task WarmUpAsync()
    {
        try
        {
            await requests.WarmUpAsync().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Log($"The warm-up failed, so the first cell takes longer: {e}");
        }
    }

    private JsonObject? AnswerControl(Message request)
    {
        switch (request.Type)
        {
            case "interrupt_request":
                return new JsonObject { ["status"] = "ok" };
            case "shutdown_request":
                publisher.Publish("shutdown_reply", Goodbye(), request);
                return Goodbye();
            default:
                return requests.AnswerBeside(request);
        }

        JsonObject Goodbye() => new() { ["status"] = "ok", ["restart"] = request.Flag("restart") };
    }

    private void Log(string sentence) => log.WriteLine($"csnotebook: {sentence}");

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
